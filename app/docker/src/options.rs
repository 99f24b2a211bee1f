//! Driver options of a network: `docker network create -o key=value`.

use std::collections::BTreeMap;

use weft_model::{Mtu, NetworkId, Vni};

use crate::Refusal;
use crate::protocol::{Options, text};

/// Says which cluster network a Docker network is the copy of. The mirror sets it.
pub(crate) const CLUSTER_ID: &str = "weft.network";
const VNI: &str = "vni";
const MTU: &str = "mtu";
const DOCKERS_MTU: &str = "com.docker.network.driver.mtu";

/// The options, those that Weft knows parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NetworkOptions {
    pub cluster_id: Option<NetworkId>,
    pub vni: Option<Vni>,
    pub mtu: Option<Mtu>,
    /// All but [`CLUSTER_ID`], for the copies on other hosts.
    pub given: BTreeMap<String, String>,
}

impl NetworkOptions {
    pub(crate) fn parse(generic: &Options) -> Result<Self, Refusal> {
        let mut given: BTreeMap<_, _> =
            generic.iter().map(|(key, value)| (key.clone(), text(value))).collect();
        let cluster_id = given.remove(CLUSTER_ID).map(|id| cluster_id(&id)).transpose()?;
        let vni = given.get(VNI).map(|number| vni(number)).transpose()?;
        Ok(Self { cluster_id, vni, mtu: mtu_of(&given)?, given })
    }
}

fn cluster_id(value: &str) -> Result<NetworkId, Refusal> {
    let hint = "leave this option out: weft sets it on its own copies of a network";
    value.parse().map_err(|error| refuse(CLUSTER_ID, value, hint).because(error))
}

fn vni(value: &str) -> Result<Vni, Refusal> {
    let hint = "-o vni=10000, or leave it out: weft picks a free one";
    let number = number(VNI, value, hint)?;
    Vni::try_from(number).map_err(|error| refuse(VNI, value, hint).because(error))
}

fn mtu_of(given: &BTreeMap<String, String>) -> Result<Option<Mtu>, Refusal> {
    match (given.get(MTU), given.get(DOCKERS_MTU)) {
        (Some(ours), Some(dockers)) if ours.trim() != dockers.trim() => {
            let why = format!("-o {DOCKERS_MTU}={dockers} says otherwise");
            Err(refuse(MTU, ours, "one of the two options, not both").because(why))
        }
        (Some(value), _) => mtu(MTU, value).map(Some),
        (None, Some(value)) => mtu(DOCKERS_MTU, value).map(Some),
        (None, None) => Ok(None),
    }
}

fn mtu(key: &str, value: &str) -> Result<Mtu, Refusal> {
    let hint = format!("-o {key}=1450, or leave it out: weft takes what the hosts' network leaves");
    let number = number(key, value, &hint)?;
    Mtu::try_from(number).map_err(|error| refuse(key, value, &hint).because(error))
}

fn number(key: &str, value: &str, hint: &str) -> Result<u32, Refusal> {
    let not_a_number =
        |_| refuse(key, value, hint).because(format_args!("`{value}` is not a number"));
    value.trim().parse().map_err(not_a_number)
}

fn refuse(key: &str, value: &str, hint: &str) -> Refusal {
    Refusal::new(format!("option {key}={value}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<NetworkOptions, Refusal> {
        NetworkOptions::parse(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn options_that_weft_does_not_know_are_kept() {
        let options = parse(r#"{"x.y":"1","flag":true}"#).unwrap();
        assert_eq!(options.given["x.y"], "1");
        assert_eq!(options.given["flag"], "true");
        assert_eq!((options.cluster_id, options.vni, options.mtu), (None, None, None));
    }

    #[test]
    fn options_that_weft_knows_are_parsed_and_kept_but_for_the_id() {
        let id = NetworkId::from_random(7);
        let text = format!(r#"{{"weft.network":"{id}","vni":"5000","{DOCKERS_MTU}":"1300"}}"#);
        let options = parse(&text).unwrap();
        assert_eq!(options.cluster_id, Some(id));
        assert_eq!(options.vni.map(Vni::number), Some(5000));
        assert_eq!(options.mtu.map(Mtu::bytes), Some(1300));
        assert_eq!(options.given.keys().collect::<Vec<_>>(), [DOCKERS_MTU, "vni"]);
    }

    #[track_caller]
    fn check_refused(json: &str, expected: &str) {
        assert_eq!(parse(json).unwrap_err().to_string(), expected);
    }

    #[test]
    fn each_wrong_value_has_its_text() {
        check_refused(
            r#"{"mtu":"big"}"#,
            "option mtu=big: `big` is not a number — try: -o mtu=1450, or leave it out: \
             weft takes what the hosts' network leaves",
        );
        check_refused(
            r#"{"vni":"12"}"#,
            "option vni=12: VNI 12 is out of range: 4096 to 16777215 are possible — try: \
             -o vni=10000, or leave it out: weft picks a free one",
        );
        check_refused(
            r#"{"mtu":"1400","com.docker.network.driver.mtu":"1300"}"#,
            "option mtu=1400: -o com.docker.network.driver.mtu=1300 says otherwise — try: \
             one of the two options, not both",
        );
        assert!(
            parse(r#"{"weft.network":"app"}"#).unwrap_err().to_string().contains("`app` is not")
        );
    }
}
