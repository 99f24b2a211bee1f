//! The one binary: argv decides between agent, client and lab.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next().unwrap_or_default();
    match verb.to_str().unwrap_or_default() {
        "lab" => weft_lab::main(arguments),
        verb => weft_lab::play(verb).unwrap_or(ExitCode::from(64)),
    }
}
