//! Runs the inputs of `fuzz/corpus`, which the fuzzer has kept, without a fuzzer.

use std::path::Path;

use crate::fuzz;

/// How many prefixes and bit flips of an input are tried.
const PLACES: usize = 64;

/// Runs a target on all its inputs, on prefixes of each, and with single bits flipped.
fn run(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let input = std::fs::read(entry.unwrap().path()).unwrap();
        target(&input);
        for place in (0..input.len()).step_by(input.len() / PLACES + 1) {
            target(&input[..place]);
            let mut flipped = input.clone();
            flipped[place] ^= 1 << (place % 8);
            target(&flipped);
        }
        count += 1;
    }
    assert!(count >= 5, "{} has {count} inputs", folder.display());
}

#[test]
fn policies_of_the_corpus_break_no_promise() {
    run("policy", fuzz::policy);
}

#[test]
fn patches_of_the_corpus_break_no_promise() {
    run("json_patch", fuzz::json_patch);
}

#[test]
fn labels_of_the_corpus_break_no_promise() {
    run("labels", fuzz::labels);
}
