//! The commands of Kafka's own tools that put grants and quotas in force, as lines for a shell.

use super::grants::{Grant, Pattern, Principal, Quota};
use crate::client::text::quoted;

/// How Kafka's tools are run.
pub(super) struct Tools<'a> {
    /// How a tool is called, with `{}` for its name; a piece of shell.
    pub(super) template: &'a str,
    pub(super) bootstrap_servers: &'a str,
    /// With what the tools log in.
    pub(super) command_config: Option<&'a str>,
}

impl Tools<'_> {
    pub(super) fn grant(&self, grant: &Grant) -> String {
        let mut arguments = vec!["--add".to_owned()];
        let mut say = |option: &str, value: &str| arguments.extend([option.to_owned(), value.to_owned()]);
        say("--allow-principal", &format!("User:{}", grant.to.name()));
        grant.operations.iter().for_each(|operation| say("--operation", operation));
        grant.topics.iter().for_each(|topic| say("--topic", topic));
        grant.groups.iter().for_each(|group| say("--group", group));
        let pattern = match grant.pattern {
            Pattern::Literal => "literal",
            Pattern::Prefixed => "prefixed",
        };
        say("--resource-pattern-type", pattern);
        self.line("kafka-acls", &arguments)
    }

    pub(super) fn quota(&self, of: &Principal, quota: Quota) -> String {
        let Quota { producer_byte_rate, consumer_byte_rate, request_percentage } = quota;
        let config = format!(
            "producer_byte_rate={producer_byte_rate},consumer_byte_rate={consumer_byte_rate},\
             request_percentage={request_percentage}"
        );
        let arguments =
            ["--alter", "--entity-type", "users", "--entity-name", of.name(), "--add-config", &config];
        self.line("kafka-configs", &arguments.map(str::to_owned))
    }

    fn line(&self, tool: &str, arguments: &[String]) -> String {
        let mut words = vec![self.template.replace("{}", tool)];
        words.extend(["--bootstrap-server".to_owned(), quoted(self.bootstrap_servers)]);
        if let Some(file) = self.command_config {
            words.extend(["--command-config".to_owned(), quoted(file)]);
        }
        words.extend(arguments.iter().map(|argument| quoted(argument)));
        // `ssh` and `docker exec -i` would take the lines behind it for their own input.
        words.push("</dev/null".to_owned());
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn words_reach_the_tool_as_they_are() {
        for text in ["plain", "CN=O'Hara, Inc", "$HOME `id` \"x\" \\", "", "a*b;c|d&e>f#g!h~"] {
            let script = format!("printf %s {}", quoted(text));
            let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), text);
        }
        assert_eq!(quoted("coalition.inbox.v1"), "coalition.inbox.v1");
    }

    #[test]
    fn a_line_for_each() {
        let tools =
            Tools { template: "/opt/{}.sh", bootstrap_servers: "a:1,b:2", command_config: Some("my admin") };
        let to = Principal::new("CN=x y").unwrap();
        let grant = Grant {
            to: to.clone(),
            operations: vec!["Read", "Describe"],
            pattern: Pattern::Prefixed,
            topics: vec!["t.".to_owned()],
            groups: vec!["g.".to_owned()],
        };
        assert_eq!(
            tools.grant(&grant),
            "/opt/kafka-acls.sh --bootstrap-server a:1,b:2 --command-config 'my admin' --add --allow-principal \
             'User:CN=x y' --operation Read --operation Describe --topic t. --group g. --resource-pattern-type prefixed </dev/null"
        );
        let quota = Quota { producer_byte_rate: 1, consumer_byte_rate: 2, request_percentage: 3 };
        assert_eq!(
            Tools { command_config: None, ..tools }.quota(&to, quota),
            "/opt/kafka-configs.sh --bootstrap-server a:1,b:2 --alter --entity-type users --entity-name 'CN=x y' \
             --add-config producer_byte_rate=1,consumer_byte_rate=2,request_percentage=3 </dev/null"
        );
    }

    #[test]
    fn a_tool_that_reads_leaves_the_lines_behind_it() {
        let tools = Tools { template: "cat; echo {}", bootstrap_servers: "b:1", command_config: None };
        let quota = Quota { producer_byte_rate: 1, consumer_byte_rate: 2, request_percentage: 3 };
        let lines = ["x", "y"].map(|name| tools.quota(&Principal::new(name).unwrap(), quota) + "\n").concat();
        let mut shell = std::process::Command::new("sh");
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let told = String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(told.lines().filter(|line| line.starts_with("kafka-configs ")).count(), 2, "{told}");
    }
}
