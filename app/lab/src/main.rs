//! The lab alone, for this crate's own tests: `weft lab …` without the rest of `weft`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let part = arguments.peek().and_then(|verb| weft_lab::play(&verb.to_string_lossy()));
    part.unwrap_or_else(|| weft_lab::main(arguments))
}
