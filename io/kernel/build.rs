//! Compiles the programs in `bpf/`.

use std::path::Path;
use std::process::Command;
use std::{env, io};

const SOURCE: &str = "../../bpf/guard.c";
const NEEDS: &str = "the programs in bpf/ are compiled with clang, libbpf's headers and the \
                     kernel's: `make setup`, or `apt-get install clang libbpf-dev linux-libc-dev`";

fn main() {
    println!("cargo::rerun-if-changed=../../bpf");
    if let Err(why) = compile() {
        println!("cargo::error={why}");
    }
}

fn compile() -> Result<(), String> {
    let out = env::var("OUT_DIR").map_err(|error| format!("OUT_DIR: {error}"))?;
    let mut clang = Command::new("clang");
    // Jump tables would need a map of their own.
    clang.args(["-O2", "-g", "-Wall", "-Werror", "-fno-jump-tables", "-target", "bpf"]);
    clang.args(headers().map(|headers| format!("-I{headers}")));
    clang.args(["-c", SOURCE, "-o"]).arg(Path::new(&out).join("guard.o"));
    let output = clang.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no clang: {NEEDS}"),
        _ => format!("start clang: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    for line in said.lines() {
        println!("cargo::warning={line}");
    }
    let missing = said.contains("file not found");
    let why = if missing { NEEDS } else { "see the lines above" };
    Err(format!("clang does not compile bpf/guard.c: {why}"))
}

/// Where Debian has `asm/types.h`, which clang looks for in vain when it compiles for bpf.
fn headers() -> Option<String> {
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").ok()?;
    let headers = format!("/usr/include/{architecture}-linux-gnu");
    Path::new(&headers).exists().then_some(headers)
}
