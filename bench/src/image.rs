//! Measures the size of the node image, and how much a version of Kubernetes adds to it.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, bail};

use crate::check::run;
use crate::report::{Report, Unit};
use crate::samples::Samples;

/// The image of the server's default templates.
const IMAGE: &str = "jeroboam/node:debian-13";
/// The label with the versions of Kubernetes in the image, newest first: `v1.37.2=modules,v1.36.3=release`.
const VERSIONS: &str = "io.jeroboam.kubernetes";
/// The path of these versions in the image, with a folder for each.
const FOLDER: &str = "/opt/jeroboam/kubernetes";
/// The Docker Engine's unit of sizes.
const MEGABYTE: f64 = 1e6;
/// Targets in megabytes with one version, and with two.
const ONE: f64 = 750.0;
const TWO: f64 = 950.0;

/// Inspects the image and adds the rows of the table.
pub(crate) fn measure(report: &mut Report) -> anyhow::Result<()> {
    let whole = inspect("{{.Size}}")?.parse::<f64>().context("reading the size of the node image")? / MEGABYTE;
    let label = inspect(&format!("{{{{index .Config.Labels \"{VERSIONS}\"}}}}"))?;
    let versions: Vec<&str> = label.split(',').filter_map(|version| version.split('=').next()).collect();
    let sizes = versions.iter().map(|version| size_of(version)).collect::<anyhow::Result<Vec<f64>>>()?;
    let (Some(first), Some(version)) = (sizes.first(), versions.first()) else {
        bail!("{IMAGE} has no version of Kubernetes in it");
    };
    let one = whole - sizes.iter().skip(1).sum::<f64>();
    // If the image has no second version, assume the size of the first.
    let (second, what) = match (sizes.get(1), versions.get(1)) {
        (Some(size), Some(version)) => (*size, (*version).to_owned()),
        _ => (*first, format!("a second of the size of {version}")),
    };
    for (what, goal, value) in [
        (format!("node image with Kubernetes {version}"), Some(ONE), one),
        (format!("what {what} adds to it"), None, second),
        ("node image with both".to_owned(), Some(TWO), one + second),
    ] {
        let mut samples = Samples::default();
        samples.add(value);
        report.median(&what, Unit::ImageMegabytes, goal, &samples);
    }
    Ok(())
}

fn inspect(format: &str) -> anyhow::Result<String> {
    Ok(run(Command::new("docker").args(["image", "inspect", "-f", format, IMAGE]))?.trim().to_owned())
}

/// The size of a version's files, in MB.
fn size_of(version: &str) -> anyhow::Result<f64> {
    let folder = format!("{FOLDER}/{version}");
    let files = run(Command::new("docker")
        .args(["run", "--rm", "--network", "none", "--entrypoint", "find", IMAGE])
        .args([folder.as_str(), "-type", "f", "-printf", "%i %s\\n"]))?;
    sum(&files).with_context(|| format!("reading what is in {folder} of {IMAGE}"))
}

/// The sum of file sizes in MB, from lines of inode and size. Hard links count once.
fn sum(files: &str) -> anyhow::Result<f64> {
    let files: BTreeSet<&str> = files.lines().collect();
    let sizes = files.iter().map(|file| file.split_once(' ')?.1.parse::<f64>().ok());
    Ok(sizes.sum::<Option<f64>>().context("a line is not an inode and a size")? / MEGABYTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_several_names_counts_once() {
        assert!((sum("7 154000000\n7 154000000\n9 1000000\n").unwrap() - 155.0).abs() < f64::EPSILON);
        assert!(sum("7\n").is_err());
    }
}
