//! Generated names for resources that clients leave unnamed (contract magnum-v1 section 6.1).

use rand::RngExt;

const GREEK: [&str; 24] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
];

/// A Greek letter, a number and the kind of resource: `kappa-7-cluster`. Not necessarily unique.
pub(crate) fn generate(what: &str) -> String {
    let mut random = rand::rng();
    format!("{}-{}-{what}", GREEK[random.random_range(0..GREEK.len())], random.random_range(1..=24))
}
