//! Docker's bodies, as they were recorded from Engines 20.10, 28.5 and 29.7, and our answers.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream as Stream;
use weft_docker_api::Engine;

use super::*;
use crate::Overlay as _;
use crate::aliases::Aliases;
use crate::fake::Fake;
use crate::presence::Presence;

struct Plugin {
    overlay: Arc<Fake>,
    directory: tempfile::TempDir,
    stop: CancellationToken,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Plugin {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let plugin = Self { overlay: Arc::default(), directory, stop: CancellationToken::new() };
        let drivers = Drivers {
            overlay: Arc::<Fake>::clone(&plugin.overlay),
            engine: Engine::at(plugin.directory.path().join("docker.sock")).unwrap(),
            aliases: Aliases::default(),
            presence: Presence::default(),
        };
        let listener = listen(PluginSocket::At(plugin.socket())).unwrap();
        tokio::spawn(serve(listener, drivers, plugin.stop.clone()));
        plugin
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("plugins/weft.sock")
    }

    async fn raw(&self, call: &str, body: &str) -> String {
        let mut stream = Stream::connect(self.socket()).await.unwrap();
        let request = format!(
            "POST /{call} HTTP/1.1\r\nHost: plugin\r\nAccept: {CONTENT_TYPE}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn call(&self, call: &str, body: &str) -> Value {
        let answer = self.raw(call, body).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).unwrap()
    }

    #[track_caller]
    fn check(&self, call: &str, body: &Value, answer: &Value) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move { assert_eq!(self.call(call, &body.to_string()).await, *answer, "{place} {call}") }
    }
}

#[tokio::test]
async fn what_docker_asks_first_is_answered() {
    let plugin = Plugin::start();
    let answer = plugin.raw("Plugin.Activate", "").await;
    assert!(answer.to_lowercase().contains("application/vnd.docker.plugins.v1.1+json"), "{answer}");
    let call = async |name: &str| plugin.call(name, "").await;
    assert_eq!(
        call("Plugin.Activate").await,
        json!({"Implements": ["NetworkDriver", "IpamDriver"]})
    );
    assert_eq!(
        call("NetworkDriver.GetCapabilities").await,
        json!({"Scope": "local", "ConnectivityScope": "global"})
    );
    assert_eq!(
        call("IpamDriver.GetCapabilities").await,
        json!({"RequiresMACAddress": false, "RequiresRequestReplay": true})
    );
    assert_eq!(
        call("IpamDriver.GetDefaultAddressSpaces").await,
        json!({"LocalDefaultAddressSpace": "weftlocal", "GlobalDefaultAddressSpace": "weftglobal"})
    );
}

#[tokio::test]
async fn pools_are_offered_anew_or_again() {
    let plugin = Plugin::start();
    let ask = |pool: &str| json!({"AddressSpace": "weftlocal", "Pool": pool, "SubPool": "", "Options": null, "V6": false});
    let pool = |cidr: &str| json!({"PoolID": format!("weft/{cidr}"), "Pool": cidr, "Data": {}});
    let call = "IpamDriver.RequestPool";
    plugin.check(call, &ask(""), &pool("10.99.1.0/24")).await;
    plugin.check(call, &ask(""), &pool("10.99.2.0/24")).await;
    for _replay in 0..2 {
        plugin.check(call, &ask("10.77.0.0/16"), &pool("10.77.0.0/16")).await;
    }
    plugin
        .check("IpamDriver.ReleasePool", &json!({"PoolID": "weft/10.99.1.0/24"}), &json!({}))
        .await;
    assert_eq!(plugin.overlay.calls().last().unwrap(), "release pool 10.99.1.0/24");
}

#[tokio::test]
async fn pools_that_cannot_be_are_refused_under_the_key_that_docker_reads() {
    let plugin = Plugin::start();
    let ask = |key: &str, value: Value| {
        let mut ask = json!({"AddressSpace": "weftlocal", "Pool": "", "SubPool": "", "V6": false});
        ask[key] = value;
        ask
    };
    let error = |text: &str| json!({ "Error": text });
    let call = "IpamDriver.RequestPool";
    plugin
        .check(
            call,
            &ask("V6", true.into()),
            &error("IPv6 inside overlay networks is not there yet — try: without --ipv6"),
        )
        .await;
    plugin
        .check(
            call,
            &ask("Pool", "10.77.0.1/16".into()),
            &error(
                "subnet 10.77.0.1/16 is not possible: subnet 10.77.0.1/16 has host bits set: did \
                 you mean 10.77.0.0/16? — try: --subnet 10.77.0.0/16",
            ),
        )
        .await;
    plugin
        .check(
            call,
            &ask("SubPool", "10.77.1.0/24".into()),
            &error(
                "--ip-range 10.77.1.0/24 is not possible: weft divides a subnet among hosts by \
                 itself — try: without it; --aux-address keeps single addresses free",
            ),
        )
        .await;
    assert!(plugin.overlay.calls().is_empty());
}

#[tokio::test]
async fn each_kind_of_address_goes_its_way() {
    let plugin = Plugin::start();
    let ask = |address: &str, options: Value| json!({"PoolID": "weft/10.77.0.0/16", "Address": address, "Options": options});
    let given = |address: &str| json!({"Address": address, "Data": {}});
    let gateway = json!({"RequestAddressType": "com.docker.network.gateway"});
    let named = json!({"com.docker.network.endpoint.name": "web"});
    let call = "IpamDriver.RequestAddress";
    plugin.check(call, &ask("", gateway.clone()), &given("10.77.0.1/16")).await;
    plugin.check(call, &ask("10.77.0.254", gateway), &given("10.77.0.254/16")).await;
    assert!(plugin.overlay.calls().is_empty(), "a gateway is not leased");
    plugin.check(call, &ask("", Value::Null), &given("10.77.0.2/16")).await;
    plugin.check(call, &ask("10.77.0.9", named), &given("10.77.0.9/16")).await;
    for _replay in 0..2 {
        plugin.check(call, &ask("10.77.0.9", Value::Null), &given("10.77.0.9/16")).await;
    }
    let release = json!({"PoolID": "weft/10.77.0.0/16", "Address": "10.77.0.9"});
    plugin.check("IpamDriver.ReleaseAddress", &release, &json!({})).await;
    let lease = "lease in 10.77.0.0/16";
    let calls = [lease, lease, "claim 10.77.0.9", "claim 10.77.0.9", "release 10.77.0.9"];
    assert_eq!(plugin.overlay.calls(), calls);
}

fn network(options: &Value, space: &str) -> Value {
    json!({
        "NetworkID": "net1",
        "Options": {
            "com.docker.network.enable_ipv4": true, "com.docker.network.enable_ipv6": false,
            "com.docker.network.internal": true, "com.docker.network.generic": options,
        },
        "IPv4Data": [{
            "AddressSpace": space, "Pool": "10.77.0.0/16", "Gateway": "10.77.0.1/16",
            "AuxAddresses": {"resv": "10.77.1.5/16"},
        }],
        "IPv6Data": [],
    })
}

#[tokio::test]
async fn a_network_is_made_with_all_that_the_user_said() {
    let plugin = Plugin::start();
    let options = json!({"mtu": "1300", "vni": "5000", "other": "x"});
    let call = "NetworkDriver.CreateNetwork";
    plugin.check(call, &network(&options, "weftlocal"), &json!({})).await;
    let made = plugin.overlay.all();
    let [entry] = made.as_slice() else { panic!("{made:?}") };
    let network = &entry.network;
    assert!(network.internal);
    assert_eq!((network.vni.number(), network.mtu.unwrap().bytes()), (5000, 1300));
    assert_eq!(network.options.len(), 3);
    assert_eq!(network.subnets[0].gateway, IpAddr::from([10, 77, 0, 1]));
    assert!(network.subnets[0].reserved.contains(&[10, 77, 1, 5].into()));
    plugin.check("NetworkDriver.DeleteNetwork", &json!({"NetworkID": "net1"}), &json!({})).await;
    assert!(plugin.overlay.all().is_empty());
}

#[tokio::test]
async fn a_network_with_dockers_own_addresses_is_refused_with_what_to_type() {
    let plugin = Plugin::start();
    let refused = plugin
        .call("NetworkDriver.CreateNetwork", &network(&json!({}), "LocalDefault").to_string())
        .await;
    assert_eq!(
        refused,
        json!({"Err": "a network of driver weft needs the IPAM driver weft too: the addresses of \
            this one would be Docker's own (LocalDefault) — try: docker network create -d weft \
            --ipam-driver weft NAME, or: weft network create NAME; in compose: ipam: {driver: weft}"})
    );
    assert!(plugin.overlay.calls().is_empty());
}

#[tokio::test]
async fn a_container_comes_and_goes() {
    let plugin = Plugin::start();
    plugin
        .check("NetworkDriver.CreateNetwork", &network(&Value::Null, "weftlocal"), &json!({}))
        .await;
    let create = json!({"NetworkID": "net1", "EndpointID": "0123456789abcdef",
        "Interface": {"Address": "10.77.0.129/16", "AddressIPv6": "", "MacAddress": ""},
        "Options": {"com.docker.network.endpoint.exposedports": [{"Proto": 6, "Port": 80}]}});
    let mac = json!({"Interface": {"MacAddress": "02:00:00:00:00:02"}});
    plugin.check("NetworkDriver.CreateEndpoint", &create, &mac).await;
    let ids = json!({"NetworkID": "net1", "EndpointID": "0123456789abcdef"});
    let join = json!({"NetworkID": "net1", "EndpointID": "0123456789abcdef",
        "SandboxKey": "/run/docker/netns/52ec98b8ffea", "Options": {}});
    let joined = json!({"InterfaceName": {"SrcName": "wc0123456789a", "DstPrefix": "eth"}});
    plugin.check("NetworkDriver.Join", &join, &joined).await;
    assert_eq!(plugin.overlay.sandboxes(), [Path::new("/run/docker/netns/52ec98b8ffea")]);
    plugin.check("NetworkDriver.EndpointOperInfo", &ids, &json!({"Value": {}})).await;
    plugin.check("NetworkDriver.ProgramExternalConnectivity", &ids, &json!({})).await;
    plugin.check("NetworkDriver.RevokeExternalConnectivity", &ids, &json!({})).await;
    for _twice in 0..2 {
        plugin.check("NetworkDriver.Leave", &ids, &json!({})).await;
        plugin.check("NetworkDriver.DeleteEndpoint", &ids, &json!({})).await;
    }
    assert!(plugin.overlay.attachments().await.is_empty());
}

#[tokio::test]
async fn a_mac_that_came_in_is_not_sent_back() {
    let plugin = Plugin::start();
    let create = json!({"NetworkID": "net1", "EndpointID": "e",
        "Interface": {"Address": "10.77.0.129/16", "MacAddress": "02:42:00:00:00:09"}});
    plugin.check("NetworkDriver.CreateEndpoint", &create, &json!({})).await;
}

#[tokio::test]
async fn a_call_that_cannot_be_read_is_refused_and_not_dropped() {
    let plugin = Plugin::start();
    let refused = plugin.call("NetworkDriver.Join", "{\"NetworkID\": 7}").await;
    assert!(refused["Err"].as_str().unwrap().contains("docker's call cannot be read"), "{refused}");
}

#[tokio::test]
async fn a_call_that_nobody_knows_is_refused_with_a_text() {
    let plugin = Plugin::start();
    let refused = plugin.call("NetworkDriver.AllocateNetwork", "{}").await;
    let text = refused["Err"].as_str().unwrap();
    assert!(text.contains("does not serve docker's call /NetworkDriver.AllocateNetwork"), "{text}");
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plugins/weft.sock");
    let socket = || PluginSocket::At(path.clone());
    let first = listen(socket()).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(listen(socket()), Err(SocketError::Taken(_))));
    drop(first);
    let second = listen(socket()).unwrap();
    Stream::connect(&path).await.unwrap();
    drop(second);
}

#[tokio::test]
async fn an_inherited_socket_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let inherited = StdListener::bind(directory.path().join("weft.sock")).unwrap();
    let listener = listen(PluginSocket::Inherited(inherited)).unwrap();
    let client = Stream::connect(directory.path().join("weft.sock"));
    let (accepted, connected) = tokio::join!(listener.accept(), client);
    accepted.unwrap();
    connected.unwrap();
}
