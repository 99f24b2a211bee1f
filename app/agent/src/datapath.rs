//! Who carries frames on this host, and why.

use clap::ValueEnum;
use serde::Deserialize;
use weft_kernel::Attachment;
use weft_plan::Engine;

use crate::problem::chain;

/// What the daemon is told of the data plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Datapath {
    /// Programs where the kernel passes a trial, else bridges
    #[default]
    Auto,
    /// A bridge and a VXLAN device for each network
    Bridge,
    /// Programs at the interfaces themselves
    Bpf,
}

/// The engine of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Which.
    pub(crate) engine: Engine,
    /// Why, in words.
    pub(crate) why: String,
}

/// Chooses, and tries the kernel if that is left to it.
pub(crate) async fn choose(told: Datapath, attachment: Attachment) -> Chosen {
    let chosen = match told {
        Datapath::Bridge => Chosen { engine: Engine::Bridge, why: "asked for".to_owned() },
        Datapath::Bpf => Chosen { engine: Engine::Bpf, why: "asked for".to_owned() },
        Datapath::Auto => {
            by_trial(weft_kernel::trial(attachment).await.map_err(|e| chain(&e).join(": ")))
        }
    };
    tracing::info!(engine = %chosen.engine, why = chosen.why, "the data plane is chosen");
    chosen
}

fn by_trial(tried: Result<(), String>) -> Chosen {
    match tried {
        Ok(()) => {
            Chosen { engine: Engine::Bpf, why: "this kernel carried a trial's packet".to_owned() }
        }
        Err(why) => Chosen { engine: Engine::Bridge, why: format!("programs cannot carry: {why}") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_fails_the_trial_gets_bridges_and_a_person_the_reason() {
        assert_eq!(by_trial(Ok(())).engine, Engine::Bpf);
        let Chosen { engine, why } = by_trial(Err("load the guard's tables".to_owned()));
        assert_eq!(engine, Engine::Bridge);
        assert!(why.ends_with("load the guard's tables"), "{why}");
    }
}
