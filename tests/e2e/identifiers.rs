//! What the guide on identifiers publishes holds in the language that it is written in.

use std::path::Path;
use std::process::Command;

use crate::guides::blocks;
use crate::missing;

const CHECK: &str = r#"
import json, sys

examples = json.load(open(sys.argv[1]))
for example in examples["hashed"]:
    assert email_hash(example["address"]) == example["email_hash"], example
for address in examples["refused"]:
    try:
        email_hash(address)
    except ValueError:
        continue
    raise AssertionError(address)
print(len(examples["hashed"]), len(examples["refused"]))
"#;

#[test]
fn python_hashes_addresses_as_published() {
    let program = blocks("identifiers.md", "python").concat() + CHECK;
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/email-hashes.json");
    let ended = match Command::new("python3").args(["-c", &program]).arg(examples).output() {
        Ok(ended) => ended,
        Err(why) => return missing::tell("Python", &why.to_string()),
    };
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "8 10\n");
}
