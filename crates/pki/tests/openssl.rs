//! Requests from `openssl` are signed as in contract magnum-v1 sections 9.2 and 9.3, and it accepts our certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jeroboam_pki::{Authority, CsrError, Facts, Profile, key_and_request, signing_key};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;

/// Runs `openssl` and returns its output.
fn openssl(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "openssl {arguments:?}: {err}");
    format!("{out}{err}")
}

struct Bench {
    folder: tempfile::TempDir,
    authority: Authority,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let authority = Authority::generate("my-cluster", now).unwrap();
        fs::write(folder.path().join("ca.pem"), authority.certificate_pem()).unwrap();
        Self { folder, authority, now }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A request by `openssl req` with these extensions (lines of its configuration).
    fn request(&self, key: &[&str], digest: &str, subject: &str, extensions: &[&str]) -> String {
        let config = format!(
            "[req]\ndistinguished_name = dn\nprompt = no\nutf8 = yes\n{}[dn]\nCN = unused\n[ext]\n{}\n",
            if extensions.is_empty() { "" } else { "req_extensions = ext\n" },
            extensions.join("\n")
        );
        fs::write(self.path("req.cnf"), config).unwrap();
        let mut arguments =
            vec!["req", "-new", "-config", "req.cnf", "-nodes", "-keyout", "key.pem", "-out", "req.pem"];
        arguments.extend(["-subj", subject, digest, "-newkey"]);
        arguments.extend(key);
        openssl(self.folder.path(), &arguments);
        fs::read_to_string(self.path("req.pem")).unwrap()
    }

    fn ec(&self, extensions: &[&str]) -> String {
        self.request(&EC, "-sha256", "/CN=admin", extensions)
    }

    /// Signs, checks the chain, and returns the certificate as text.
    fn sign(&self, csr: &str) -> String {
        let certificate = self.authority.sign_request(csr, self.now).unwrap();
        assert!(!certificate.ends_with('\n'));
        self.words(&certificate)
    }

    fn words(&self, certificate: &str) -> String {
        fs::write(self.path("cert.pem"), certificate).unwrap();
        openssl(self.folder.path(), &["verify", "-CAfile", "ca.pem", "cert.pem"]);
        openssl(
            self.folder.path(),
            &["x509", "-in", "cert.pem", "-noout", "-text", "-nameopt", "RFC2253", "-certopt", "no_sigdump,no_pubkey"],
        )
    }

    fn refusal(&self, csr: &str) -> String {
        match self.authority.sign_request(csr, self.now) {
            Err(CsrError::Internal(error)) => panic!("our own failure: {error}"),
            Err(error) => error.to_string(),
            Ok(certificate) => panic!("signed: {}", self.words(&certificate)),
        }
    }
}

const EC: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// An extension's lines, without spaces at the ends.
fn extension(words: &str, title: &str) -> Option<String> {
    let mut lines = words.lines().map(str::trim).skip_while(|line| !line.starts_with(title));
    Some(format!("{} {}", lines.next()?, lines.next().unwrap_or_default()))
}

// Covers: R301, W170.
#[test]
fn the_authority_is_self_signed_for_five_years_and_may_only_sign_leaves() {
    let bench = Bench::new();
    let words = bench.words(bench.authority.certificate_pem());
    assert_eq!(extension(&words, "X509v3 Basic").unwrap(), "X509v3 Basic Constraints: critical CA:TRUE, pathlen:0");
    assert_eq!(extension(&words, "X509v3 Key Usage").unwrap(), "X509v3 Key Usage: critical Certificate Sign");
    assert!(words.contains("X509v3 Subject Key Identifier"));
    assert!(words.contains("ecdsa-with-SHA256"));
    assert!(words.contains("Issuer: CN=my-cluster") && words.contains("Subject: CN=my-cluster"));
    let facts = Facts::read_pem(bench.authority.certificate_pem()).unwrap();
    assert_eq!(facts.not_before.as_second(), bench.now.as_second() - 24 * 3600);
    assert_eq!(facts.not_after.as_second(), bench.now.as_second() + 1825 * 24 * 3600);
}

#[test]
fn long_names_are_cut_to_64_characters() {
    let authority = Authority::generate(&"ä".repeat(242), Timestamp::now()).unwrap();
    let facts = Facts::read_pem(authority.certificate_pem()).unwrap();
    assert_eq!(facts.common_name.unwrap(), "ä".repeat(64));
}

#[test]
fn an_authority_that_was_kept_signs_on() {
    let bench = Bench::new();
    let kept = Authority::load(bench.authority.certificate_pem(), &bench.authority.key_pem()).unwrap();
    bench.words(&kept.sign_request(&bench.ec(&[]), bench.now).unwrap());
    let other = Authority::generate("other", bench.now).unwrap();
    assert!(Authority::load(bench.authority.certificate_pem(), &other.key_pem()).is_err());
    assert!(Authority::load("rubbish", &other.key_pem()).is_err());
}

// Covers: R294.
#[test]
fn keys_of_all_usual_sorts_are_signed() {
    let bench = Bench::new();
    let curve = |name| ["ec", "-pkeyopt", name];
    for (key, digest) in [
        (&["rsa:2048"][..], "-sha256"),
        (&["rsa:2048"], "-sha384"),
        (&["rsa:4096"], "-sha512"),
        (&EC, "-sha256"),
        (&EC, "-sha512"),
        (&curve("ec_paramgen_curve:P-384"), "-sha256"),
        (&curve("ec_paramgen_curve:P-384"), "-sha384"),
        (&curve("ec_paramgen_curve:P-521"), "-sha512"),
        (&["ed25519"], "-sha256"),
    ] {
        let words = bench.sign(&bench.request(key, digest, "/CN=admin/O=system:masters", &[]));
        assert!(words.contains("Issuer: CN=my-cluster"), "{key:?}: {words}");
        let public = openssl(bench.folder.path(), &["x509", "-in", "cert.pem", "-noout", "-pubkey"]);
        assert_eq!(public, openssl(bench.folder.path(), &["pkey", "-in", "key.pem", "-pubout"]), "{key:?}");
    }
}

#[test]
fn keys_and_digests_that_are_too_weak_are_refused() {
    let bench = Bench::new();
    let curve = |name| ["ec", "-pkeyopt", name];
    openssl(bench.folder.path(), &["dsaparam", "-out", "dsa.pem", "1024"]);
    for (key, digest, problem) in [
        (&["rsa:1024"][..], "-sha256", "key cannot be accepted: it is RSA with 1024 bits. Use RSA with 2048"),
        (&["rsa-pss"], "-sha256", "key cannot be accepted: it is of the algorithm RSASSA-PSS. Use"),
        (&["dsa:dsa.pem"], "-sha256", "key cannot be accepted: it is of the algorithm DSA. Use"),
        (&["ed448"], "-sha256", "key cannot be accepted: it is of the algorithm Ed448. Use"),
        (&curve("ec_paramgen_curve:secp256k1"), "-sha256", "key cannot be accepted: it is on the curve secp256k1. Use"),
        (&curve("ec_paramgen_curve:brainpoolP256r1"), "-sha256", "it is on the curve 1.3.36.3.3.2.8.1.1.7. Use"),
        (&["rsa:2048"], "-sha1", "signature cannot be accepted: it is made with SHA-1"),
    ] {
        let refusal = bench.refusal(&bench.request(key, digest, "/CN=admin", &[]));
        assert!(refusal.contains(problem), "{key:?} {digest}: {refusal}");
    }
}

// Covers: R295.
#[test]
fn the_subject_stays_as_it_is() {
    let bench = Bench::new();
    for subject in [
        "/CN=admin/O=system:masters",
        "/O=system:masters/OU=some unit/CN=admin",
        "/C=DE/ST=Bayern/L=M\u{fc}nchen/O=dev/O=ops/OU=a/OU=b/CN=admin/emailAddress=a@b.c",
        "/O=x+OU=y/CN=admin",
        "/",
    ] {
        let csr = bench.request(&EC, "-sha256", subject, &[]);
        let wanted = openssl(bench.folder.path(), &["req", "-in", "req.pem", "-noout", "-subject"]);
        bench.sign(&csr);
        assert_eq!(openssl(bench.folder.path(), &["x509", "-in", "cert.pem", "-noout", "-subject"]), wanted);
    }
}

// Covers: R295.
#[test]
fn what_is_signed_is_valid_for_five_years_and_has_a_key_identifier_only() {
    let bench = Bench::new();
    let words = bench.sign(&bench.ec(&[]));
    let titles: Vec<_> = words.lines().filter(|line| line.contains("X509v3 ")).map(str::trim).collect();
    assert_eq!(titles, ["X509v3 extensions:", "X509v3 Subject Key Identifier:"]);
    let facts = Facts::read_pem(&fs::read_to_string(bench.path("cert.pem")).unwrap()).unwrap();
    assert_eq!(facts.not_before.as_second(), bench.now.as_second() - 24 * 3600);
    assert_eq!(facts.not_after.as_second(), bench.now.as_second() + 1825 * 24 * 3600);
}

// Covers: W173.
#[test]
fn the_four_known_extensions_are_kept() {
    let bench = Bench::new();
    let words = bench.sign(&bench.ec(&[
        "keyUsage = critical, digitalSignature, keyEncipherment, nonRepudiation",
        "extendedKeyUsage = clientAuth, 1.2.3.4",
        "subjectAltName = critical, DNS:a.example, IP:10.0.0.1, email:a@b.c, URI:https://x/, dirName:d\n[d]\nCN = n",
    ]));
    assert_eq!(
        extension(&words, "X509v3 Key Usage").unwrap(),
        "X509v3 Key Usage: critical Digital Signature, Non Repudiation, Key Encipherment"
    );
    assert_eq!(
        extension(&words, "X509v3 Extended").unwrap(),
        "X509v3 Extended Key Usage: TLS Web Client Authentication, 1.2.3.4"
    );
    assert_eq!(
        extension(&words, "X509v3 Subject Alt").unwrap(),
        "X509v3 Subject Alternative Name: critical DNS:a.example, IP Address:10.0.0.1, email:a@b.c, URI:https://x/, \
         DirName:/CN=n"
    );
    let words = bench.sign(&bench.ec(&["basicConstraints = critical, CA:FALSE"]));
    assert_eq!(extension(&words, "X509v3 Basic").unwrap(), "X509v3 Basic Constraints: critical CA:FALSE");
}

// Covers: R295, W175.
#[test]
fn usages_that_are_not_granted_are_cleared() {
    let bench = Bench::new();
    let words = bench.sign(&bench.ec(&["keyUsage = digitalSignature, keyCertSign, cRLSign, decipherOnly"]));
    assert_eq!(extension(&words, "X509v3 Key Usage").unwrap(), "X509v3 Key Usage: Digital Signature");
    // With none left keyUsage would be empty, and verifiers refuse such a certificate.
    for line in ["keyUsage = keyCertSign", "keyUsage = keyAgreement, cRLSign"] {
        let refusal = bench.refusal(&bench.ec(&[line]));
        assert!(refusal.contains("digitalSignature, nonRepudiation and keyEncipherment"), "{line}: {refusal}");
    }
}

// Covers: R297, W174.
#[test]
fn a_wish_to_be_an_authority_is_dropped() {
    let bench = Bench::new();
    let words = bench.sign(&bench.ec(&["basicConstraints = CA:TRUE, pathlen:3"]));
    assert_eq!(extension(&words, "X509v3 Basic").unwrap(), "X509v3 Basic Constraints: CA:FALSE");
}

// Covers: R298.
#[test]
fn other_extensions_are_dropped() {
    let bench = Bench::new();
    let words = bench.sign(&bench.ec(&[
        "subjectKeyIdentifier = 0102030405",
        "certificatePolicies = 1.2.3.4",
        "nsComment = hello",
        "1.2.3.4.5 = ASN1:UTF8String:hello",
    ]));
    let titles: Vec<_> = words.lines().filter(|line| line.contains("X509v3 ") || line.contains("Netscape")).collect();
    assert_eq!(titles.len(), 2, "{words}");
    assert!(!extension(&words, "X509v3 Subject Key").unwrap().contains("01:02:03:04:05"));
    assert!(!words.contains("1.2.3.4.5"));
}

// Covers: R296, W174, W175.
#[test]
fn critical_wishes_that_are_not_granted_are_refused() {
    let bench = Bench::new();
    for (line, named) in [
        ("keyUsage = critical, digitalSignature, keyCertSign", "keyUsage"),
        ("keyUsage = critical, keyAgreement", "keyUsage"),
        ("basicConstraints = critical, CA:TRUE", "basicConstraints"),
        ("1.2.3.4.5 = critical, ASN1:UTF8String:hello", "1.2.3.4.5"),
        ("nameConstraints = critical, permitted;DNS:example", "2.5.29.30"),
    ] {
        let refusal = bench.refusal(&bench.ec(&[line]));
        assert!(refusal.contains("not allowed") && refusal.contains(named), "{line}: {refusal}");
    }
}

// Covers: R293, W176.
#[test]
fn what_is_no_request_is_refused() {
    let bench = Bench::new();
    let csr = bench.ec(&[]);
    let body = csr.lines().nth(1).unwrap();
    let truncated = csr.replacen(&format!("{body}\n"), "", 1);
    let certificate = bench.authority.certificate_pem().to_owned();
    let relabelled = certificate.replace("CERTIFICATE", "CERTIFICATE REQUEST");
    for bad in ["", "rubbish", &truncated, &certificate, &relabelled, "-----BEGIN CERTIFICATE REQUEST-----"] {
        let refusal = bench.refusal(bad);
        assert!(refusal.contains("unreadable"), "{bad}: {refusal}");
    }
    let words_before = format!("Certificate Request:\n    Data: 1\n{csr}");
    bench.sign(&words_before);
    bench.sign(&csr.replace("CERTIFICATE", "NEW CERTIFICATE"));
}

#[test]
fn a_request_for_somebody_elses_key_is_refused() {
    let bench = Bench::new();
    let csr = bench.ec(&[]);
    openssl(bench.folder.path(), &["req", "-in", "req.pem", "-outform", "DER", "-out", "req.der"]);
    let mut der = fs::read(bench.path("req.der")).unwrap();
    let at = der.windows(5).position(|part| part == b"admin").unwrap();
    der[at] = b'b';
    fs::write(bench.path("req.der"), der).unwrap();
    openssl(bench.folder.path(), &["req", "-inform", "DER", "-in", "req.der", "-out", "changed.pem"]);
    assert_ne!(fs::read_to_string(bench.path("changed.pem")).unwrap(), csr);
    let refusal = bench.refusal(&fs::read_to_string(bench.path("changed.pem")).unwrap());
    assert!(refusal.contains("own public key"), "{refusal}");
}

fn profile() -> Profile {
    Profile {
        common_name: "kube-apiserver".into(),
        organizations: vec!["system:masters".into(), "second".into()],
        names: vec!["kubernetes.default.svc".into()],
        addresses: vec!["10.254.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
        server: true,
        client: true,
        validity: SignedDuration::from_hours(24),
    }
}

#[test]
fn our_own_certificates_are_what_their_profile_says_whatever_was_asked() {
    let bench = Bench::new();
    let csr = bench.request(&["rsa:2048"], "-sha256", "/CN=evil/O=system:masters", &["subjectAltName = DNS:evil"]);
    let words = bench.words(&bench.authority.issue(&profile(), &csr, bench.now).unwrap());
    assert!(!words.contains("evil"));
    assert!(words.contains("Subject: CN=kube-apiserver,O=second,O=system:masters"), "{words}");
    for (title, value) in [
        ("X509v3 Basic", "X509v3 Basic Constraints: critical CA:FALSE"),
        ("X509v3 Key Usage", "X509v3 Key Usage: critical Digital Signature, Key Encipherment"),
        ("X509v3 Extended", "X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication"),
        (
            "X509v3 Subject Alt",
            "X509v3 Subject Alternative Name: DNS:kubernetes.default.svc, IP Address:10.254.0.1, \
             IP Address:FD00:0:0:0:0:0:0:1",
        ),
    ] {
        assert_eq!(extension(&words, title).unwrap(), value);
    }
}

#[test]
fn our_own_certificates_do_not_outlive_their_authority() {
    let bench = Bench::new();
    let long = Profile { validity: SignedDuration::from_hours(24 * 365 * 20), ..profile() };
    let pair = bench.authority.issue_pair(&long, bench.now).unwrap();
    bench.words(&pair.certificate);
    assert_eq!(Facts::read_pem(&pair.certificate).unwrap().not_after, bench.authority.not_after());
}

#[test]
fn keys_that_we_make_are_openssls_too() {
    let bench = Bench::new();
    let (key, csr) = key_and_request("admin", &["system:masters".into(), "b, c+d".into()]).unwrap();
    fs::write(bench.path("own.key"), key.expose_secret()).unwrap();
    fs::write(bench.path("own.csr"), &csr).unwrap();
    let words = openssl(bench.folder.path(), &["req", "-in", "own.csr", "-noout", "-verify", "-subject"]);
    assert!(words.contains("verify OK") && words.contains("O = system:masters, O = \"b, c+d\", CN = admin"), "{words}");
    bench.sign(&csr);
    let public = openssl(bench.folder.path(), &["pkey", "-in", "own.key", "-pubout"]);
    assert_eq!(openssl(bench.folder.path(), &["x509", "-in", "cert.pem", "-noout", "-pubkey"]), public);
    let (private, public) = signing_key().unwrap();
    fs::write(bench.path("sa.key"), private.expose_secret()).unwrap();
    assert_eq!(openssl(bench.folder.path(), &["pkey", "-in", "sa.key", "-pubout"]).trim_end(), public);
}
