//! Commands that never reach a network.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use crate::network::{command, end};

fn check_usage(args: &str, words: &str) {
    end(command(args)).failed(2, words);
}

#[test]
fn wrong_arguments_say_how_to_write_them() {
    check_usage("member show", "<MEMBER|--email-hash <HEX>|");
    check_usage("member show bogus", "write it as members/UUID");
    check_usage("member show --customer 00001", "write it as PARTNER:NUMBER");
    check_usage("member show --email-hash someone@example.com", "send its hash");
    check_usage("member show --card-token 4111111111111111", "send its token");
    check_usage("member show --customer cdnow:1 --card-token t", "cannot be used with");
    check_usage("event cdnow e1 --order o1 --customer cdnow:1", "cannot be used with");
    check_usage("redeem towel --programme mypoints", "<MEMBER|--email-hash <HEX>|");
    check_usage("redeem --customer a:1 towel --programme p --quantity 0", "1..=1000");
    check_usage("redeem --customer a:1 towel --programme p --request-id 1", "uuid of version 7");
    check_usage("statement cdnow --programme p --from yesterday", "write it like 1997-01-31");
    check_usage("statement cdnow --programme p --all", "cannot be used with");
    check_usage("statement --programme p --from 1997-01-31T15:30:00Z", "write a full hour or a day");
    check_usage("statement --programme p --from 1997-02-01 --to 1997-01-31", "--to lies before --from");
    check_usage("member activity --customer a:1 --limit 0", "write a number from 1 to 4294967295");
    check_usage("journal tail --data x --limit x", "write a number from 1 to 4294967295");
    check_usage("partner create a --name a\u{202e}b", "must not turn the direction");
    check_usage("partner contract cdnow --programme p --accrual 1,5", "such as 0.009");
    check_usage("partner contract cdnow --accrual 1", "--programme");
    check_usage("partner list --server localhost:7300", "write it as http://HOST:PORT");
    check_usage("partner list --server ftp://localhost", "or https://HOST:PORT");
}

#[test]
fn without_a_key_or_a_network_the_command_says_what_to_do() {
    check_usage("partner list", "no key: give --key-file FILE, or set COALITION_KEY_FILE or COALITION_KEY");
    let mut wrong = command("partner list");
    wrong.env("COALITION_KEY", "k").env("COALITION_SERVER", "nowhere");
    end(wrong).failed(2, "COALITION_SERVER: write it as http://HOST:PORT");

    // Nobody listens where somebody did a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut unheard = command("partner list");
    unheard.env("COALITION_KEY", "k").arg("--server").arg(format!("http://{address}"));
    end(unheard).failed(5, "what to do: start one with `coalition serve`");

    // A web server.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut other = command("partner list --timeout 1");
    other.env("COALITION_KEY", "k").arg("--server").arg(format!("http://{}", listener.local_addr().unwrap()));
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map(Result::unwrap) {
            // Whoever has gone away needs no answer.
            let asked = connection.read_exact(&mut [0; 24]);
            drop(asked.and_then(|()| connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
        }
    });
    end(other).failed(5, "what answers there is no coalition gateway");

    let mut missing = command("partner list");
    missing.env("COALITION_KEY_FILE", "/no/such/file");
    end(missing).failed(2, "read the key file /no/such/file");
}

#[test]
fn scenarios_are_played_and_what_differs_is_told() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let file = scenarios.join("a21-reference-rule.toml");
    let mut good = command("programme test");
    good.arg(&file);
    assert!(end(good).good().contains("ok     with 499 points it is 1 point short\n"));

    let folder = tempfile::tempdir().unwrap();
    let changed = folder.path().join("changed.toml");
    let programme = scenarios.join("programmes/reference.toml").display().to_string();
    let text = std::fs::read_to_string(&file).unwrap().replace("programmes/reference.toml", &programme);
    std::fs::write(&changed, text.replace("499.99 EUR", "498.99 EUR")).unwrap();
    let mut differs = command("programme test");
    differs.arg(&changed).arg(folder.path().join("none.toml")).arg(&file);
    let ended = end(differs);
    assert_eq!(ended.code, 1);
    for told in [
        "FAILED with 499 points it is 1 point short",
        "when, step 1",
        "expected: refused POINTS_SHORT: 1 point short",
        "found:    refused POINTS_SHORT: 2 points short",
        "none.toml: can't be played: read ",
    ] {
        assert!(ended.out.contains(told), "{}", ended.out);
    }
    let mut json = command("programme test --json");
    json.arg(&changed);
    let played: serde_json::Value = serde_json::from_str(&end(json).out).unwrap();
    let cases = &played["files"][0]["cases"];
    assert_eq!((&cases[0]["ok"], &cases[1]["ok"]), (&true.into(), &false.into()));
}

#[test]
fn faults_of_documents_are_told_by_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    std::fs::write(&path, "[programme]\nid = \"p\"\nname = \"P\"\neffective_from = 1996-01-01T00:00:00\n")
        .unwrap();
    let mut validate = command("programme validate");
    validate.arg(&path);
    let ended = end(validate);
    assert_eq!(ended.code, 1);
    let place = format!("{}:4:18 programme.effective_from: ", path.display());
    assert!(ended.out.starts_with(&place), "{}", ended.out);

    let mut json = command("programme validate --json");
    json.arg(&path);
    let document: serde_json::Value = serde_json::from_str(&end(json).out).unwrap();
    assert_eq!(document["files"][0]["faults"][0]["line"], 4);
    assert_eq!(document["files"][0]["faults"][0]["path"], "programme.effective_from");

    // It isn't sent anywhere, and for a program the last line says so.
    let mut publish = command("programme publish --json");
    publish.arg(&path);
    let ended = end(publish);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    assert!(ended.err.starts_with(&place), "{}", ended.err);
    let error: serde_json::Value = serde_json::from_str(ended.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["message"], "the document has faults; nothing was published");

    // A file that can't be read is its own fault, and no other's.
    let mut validate = command("programme validate");
    validate.arg(folder.path().join("none.toml")).arg(&path);
    let ended = end(validate);
    assert_eq!((ended.code, ended.out.lines().count()), (1, 2), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("none.toml: can't be read: No such file") && ended.out.contains(&place));

    std::fs::write(&path, "[programme]\nid = \"p\"\nname = \"P\"\neffective_from = 1996-01-01T00:00:00Z\n")
        .unwrap();
    let mut validate = command("programme validate");
    validate.arg(&path);
    assert!(
        end(validate).good().ends_with("good: programme p from 1996-01-01T00:00:00Z, 0 rules, 0 rewards\n")
    );
}

#[test]
fn every_command_shows_an_example() {
    let mut groups = vec![String::new()];
    let mut seen = 0;
    while let Some(group) = groups.pop() {
        let help = end(command(&format!("{group} --help"))).good();
        let Some((_, commands)) = help.split_once("\nCommands:\n") else {
            let shown = ["Example: ", "Examples:\n  "].map(|before| format!("{before}coalition{group}"));
            assert!(shown.iter().any(|example| help.contains(example)), "{group}: {help}");
            seen += 1;
            continue;
        };
        let entries = commands.lines().take_while(|line| !line.is_empty());
        // What is indented more goes on with the line before.
        let names = entries.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        // The demo has none but its own name; `help` is clap's.
        groups.extend(
            names.filter(|name| !["", "help", "demo"].contains(name)).map(|name| format!("{group} {name}")),
        );
    }
    assert!(seen >= 20, "{seen}");
}

#[test]
fn a_shell_completes_commands_and_options() {
    let script = end(command("completions bash")).good();
    let complete = |words: &str| {
        let ask = format!(
            "COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _coalition coalition \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[*]}}\""
        );
        // By standard input: no argument may be as long as the script.
        let mut bash = std::process::Command::new("bash");
        let mut bash =
            bash.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash is there, as for .ci/run");
        bash.stdin.take().unwrap().write_all(format!("{script}\n{ask}\n").as_bytes()).unwrap();
        String::from_utf8(bash.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete("coalition jour"), "journal\n");
    assert_eq!(complete("coalition journal verify --dat"), "--data\n");
}
