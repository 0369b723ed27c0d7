//! The programs that the guides show, taken from them: what a reader copies is what was run.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use crate::brokers::Brokers;
use crate::harness::binary;

/// The fenced blocks of a document in a language, in order.
pub(crate) fn blocks(document: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides").join(document);
    let text = std::fs::read_to_string(&path).expect("the guide is there");
    let begin = format!("```{language}\n");
    let after = text.split(&begin).skip(1);
    after.map(|rest| rest.split("```").next().expect("a split has a first part").to_owned()).collect()
}

/// Where a reader's commands run: with our binary, Kafka's tools, and Python on the path.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    /// What stands in the guides, and what it is here.
    places: Vec<(&'static str, String)>,
    path: String,
}

impl Desk {
    pub(crate) fn new(brokers: &Brokers, python: &Path, places: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tools = folder.path().join("tools");
        std::fs::create_dir(&tools).expect("room for a folder");
        symlink(binary(), tools.join("coalition")).expect("a link");
        let producer = tools.join("kafka-console-producer.sh");
        let called = brokers.tool("kafka-console-producer");
        let words: Vec<_> = std::iter::once(called.get_program()).chain(called.get_args()).collect();
        let quoted: Vec<_> = words.iter().map(|word| format!("'{}'", word.display())).collect();
        std::fs::write(&producer, format!("#!/bin/sh\nexec {} \"$@\"\n", quoted.join(" ")))
            .expect("a script");
        std::fs::set_permissions(&producer, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto"), folder.path().join("proto"))
            .expect("a link");
        let of_python = python.parent().expect("an interpreter lies in a folder").display();
        let system = std::env::var("PATH").expect("there is a path");
        let path = format!("{}:{of_python}:{system}", tools.display());
        Self { folder, places, path }
    }

    /// A shell or Python that is about to run a program of a guide.
    pub(crate) fn command(&self, interpreter: &str, program: &str) -> Command {
        let mut program = program.to_owned();
        for (shown, here) in &self.places {
            program = program.replace(shown, here);
        }
        let mut command = Command::new(interpreter);
        if interpreter == "sh" {
            command.arg("-eu");
        }
        command.args(["-c", &program]).current_dir(self.folder.path());
        command.env("PATH", &self.path).env("PYTHONPATH", self.folder.path().join("stubs"));
        command
    }

    /// Runs one to its end, which has to be good and come within three minutes; gives what it printed.
    pub(crate) fn run(&self, interpreter: &str, program: &str) -> String {
        let command = self.command(interpreter, program);
        let mut limited = Command::new("timeout");
        limited.args(["--kill-after=5", "180"]).arg(command.get_program()).args(command.get_args());
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let ended = limited.current_dir(self.folder.path()).output().expect("it starts");
        let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success(), "a program of a guide failed: {program}\n{out}{err}");
        out.into_owned()
    }
}
