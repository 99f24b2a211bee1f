//! Questions a second over loopback, as one container would ask them: a name of ours, with 1, 16
//! and 64 outstanding. The client blocks in its own thread and costs as much as the server.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a program for the one who measures"
)]

use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use weft_model::NetworkId;
use weft_names::{Asker, Zone, Zones};
use weft_resolver::{Nameservers, Resolver, Sockets};

/// How long each width is measured.
const SPAN: Duration = Duration::from_secs(2);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let udp = UdpSocket::bind("127.83.0.2:0").unwrap();
    let server = udp.local_addr().unwrap();
    let tcp = TcpListener::bind(server).unwrap();
    let network = NetworkId::from_random(1);
    let (_zones, zones) = watch::channel(Arc::new(Zones::build([zone(network)])));
    let (_asker, asker) = watch::channel(Asker { networks: [network].into(), ..Asker::default() });
    let upstream = Arc::new(Nameservers::new(vec![]));
    let stop = CancellationToken::new();
    let resolver = Resolver::new(zones, || {}).unwrap();
    let _entered = runtime.enter();
    let served = resolver.serve(Sockets { udp, tcp }, asker, upstream, stop.clone());
    for outstanding in [1, 16, 64] {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(server).unwrap();
        measure(&client, outstanding);
    }
    stop.cancel();
    runtime.block_on(served).unwrap();
}

fn measure(client: &UdpSocket, outstanding: usize) {
    let mut asked_at = vec![Instant::now(); outstanding];
    for (id, at) in asked_at.iter_mut().enumerate() {
        *at = ask(client, id);
    }
    let (started, mut waits, mut buffer) = (Instant::now(), Vec::new(), [0; 512]);
    while started.elapsed() < SPAN {
        client.recv(&mut buffer).unwrap();
        let id = usize::from(u16::from_be_bytes([buffer[0], buffer[1]]));
        waits.push(asked_at[id].elapsed());
        asked_at[id] = ask(client, id);
    }
    for _ in 0..outstanding {
        client.recv(&mut buffer).unwrap();
    }
    waits.sort();
    let (half, most) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    let rate = waits.len() / usize::try_from(SPAN.as_secs()).unwrap();
    println!("{outstanding:2} outstanding: {rate:6} questions/s, p50 {half:?}, p99 {most:?}");
}

fn ask(client: &UdpSocket, id: usize) -> Instant {
    let mut message = Message::new(u16::try_from(id).unwrap(), MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii("web.").unwrap(), RecordType::A));
    let bytes = message.to_vec().unwrap();
    let now = Instant::now();
    client.send(&bytes).unwrap();
    now
}

fn zone(network: NetworkId) -> Zone {
    Zone {
        network,
        name: Some("app".parse().unwrap()),
        internal: false,
        subnets: vec![],
        records: [("web".parse().unwrap(), ["10.7.0.2".parse().unwrap()].into())].into(),
        pointers: [].into(),
        ended: [].into(),
    }
}
