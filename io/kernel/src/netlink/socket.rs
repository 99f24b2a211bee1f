//! A netlink socket that belongs to one namespace: dumps, and batches of requests.
//!
//! Blocking: a request to the kernel is answered before `send` returns, so there is nothing to
//! wait for. 128 requests in one datagram are three to five times faster than one by one.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use crate::Netns;

/// How many requests travel together; their answers must fit the receive buffer.
const BATCH: usize = 128;
/// Room for the answers to a batch, and for what a dump has ready.
const RECEIVE_BUFFER: u32 = 1 << 20;
/// One datagram of a dump: the kernel makes them no larger than 32 KiB.
const DATAGRAM: usize = 1 << 16;

/// How often a dump is taken anew because something changed meanwhile.
const DUMPS: usize = 5;

/// A request, and with which flags beside `NLM_F_REQUEST` and `NLM_F_ACK`.
pub(crate) type Request = (RouteNetlinkMessage, u16);

/// A connection to one namespace's routing tables.
pub(crate) struct Rtnl {
    socket: Socket,
    /// The numbers of the requests whose answers are awaited.
    first: u32,
    last: u32,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Rtnl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rtnl").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Rtnl {
    pub(crate) fn open(netns: &Netns) -> io::Result<Self> {
        netns.run(Self::open_here)?
    }

    /// In the calling thread's namespace.
    pub(crate) fn open_here() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.set_rx_buf_sz(RECEIVE_BUFFER)?;
        socket.set_cap_ack(true)?;
        Ok(Self { socket, first: 0, last: 0, buffer: Vec::with_capacity(DATAGRAM) })
    }

    /// Asks for all of something. What cannot be parsed is none of Weft's.
    pub(crate) fn dump(
        &mut self,
        what: &RouteNetlinkMessage,
    ) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..DUMPS {
            if let Whole::Yes(items) = self.dump_once(what.clone())? {
                return Ok(items);
            }
        }
        Err(io::Error::new(io::ErrorKind::Interrupted, "it changes while it is told"))
    }

    fn dump_once(&mut self, what: RouteNetlinkMessage) -> io::Result<Whole> {
        self.transmit(message(what, NLM_F_DUMP))?;
        let mut items = Vec::new();
        let mut interrupted = false;
        loop {
            for Message { header, payload, .. } in self.receive()? {
                interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
                match payload {
                    NetlinkPayload::InnerMessage(item) => items.push(item),
                    NetlinkPayload::Error(error) => return Err(error.to_io()),
                    NetlinkPayload::Done(done) if done.code < 0 => {
                        return Err(io::Error::from_raw_os_error(-done.code));
                    }
                    NetlinkPayload::Done(_) if interrupted => return Ok(Whole::No),
                    NetlinkPayload::Done(_) => return Ok(Whole::Yes(items)),
                    _ => {}
                }
            }
        }
    }

    /// Asks for one thing.
    pub(crate) fn get(&mut self, what: RouteNetlinkMessage) -> io::Result<RouteNetlinkMessage> {
        // The acknowledgement comes also where the answer is of a form that nobody here knows.
        self.transmit(message(what, NLM_F_ACK))?;
        loop {
            for Message { payload, .. } in self.receive()? {
                match payload {
                    NetlinkPayload::InnerMessage(item) => return Ok(item),
                    NetlinkPayload::Error(error) if error.code.is_some() => {
                        return Err(error.to_io());
                    }
                    NetlinkPayload::Error(_) => return Err(io::ErrorKind::InvalidData.into()),
                    _ => {}
                }
            }
        }
    }

    /// Sends one request and waits for its acknowledgement.
    pub(crate) fn request(&mut self, request: Request) -> io::Result<()> {
        self.requests(vec![request])?.pop().unwrap_or(Ok(()))
    }

    /// Sends requests together; the answers are in the same order.
    pub(crate) fn requests(&mut self, requests: Vec<Request>) -> io::Result<Vec<io::Result<()>>> {
        let mut answers = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let batch = requests.by_ref().take(BATCH);
            let batch: Vec<_> =
                batch.map(|(what, flags)| message(what, flags | NLM_F_ACK)).collect();
            answers.extend(self.batch(batch)?);
        }
        Ok(answers)
    }

    fn batch(&mut self, mut batch: Vec<Message>) -> io::Result<Vec<io::Result<()>>> {
        self.first = self.last.wrapping_add(1);
        for message in &mut batch {
            self.last = self.last.wrapping_add(1);
            message.header.sequence_number = self.last;
        }
        let mut answers: Vec<Option<io::Result<()>>> = batch.iter().map(|_| None).collect();
        self.send(batch)?;
        while answers.iter().any(Option::is_none) {
            for Message { header, payload, .. } in self.receive()? {
                let NetlinkPayload::Error(error) = payload else { continue };
                let place = usize::try_from(header.sequence_number.wrapping_sub(self.first)).ok();
                if let Some(answer) = place.and_then(|place| answers.get_mut(place)) {
                    *answer = Some(error.code.map_or(Ok(()), |_code| Err(error.to_io())));
                }
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn transmit(&mut self, mut message: Message) -> io::Result<()> {
        self.last = self.last.wrapping_add(1);
        self.first = self.last;
        message.header.sequence_number = self.last;
        self.send(vec![message])
    }

    fn send(&self, messages: Vec<Message>) -> io::Result<()> {
        let mut datagram = Vec::new();
        for mut message in messages {
            message.finalize();
            let start = datagram.len();
            // Messages begin at multiples of four (NLMSG_ALIGNTO).
            datagram.resize(start + message.buffer_len().next_multiple_of(4), 0);
            if let Some(room) = datagram.get_mut(start..) {
                message.serialize(room);
            }
        }
        self.socket.send_to(&datagram, &SocketAddr::new(0, 0), 0)?;
        Ok(())
    }

    /// One datagram's messages, without late answers to requests that were given up.
    fn receive(&mut self) -> io::Result<Vec<Message>> {
        self.buffer.clear();
        self.socket.recv_from(&mut self.buffer, 0)?;
        let mut messages = messages(&self.buffer);
        let span = self.last.wrapping_sub(self.first);
        messages.retain(|message| message.header.sequence_number.wrapping_sub(self.first) <= span);
        Ok(messages)
    }
}

type Message = NetlinkMessage<RouteNetlinkMessage>;

/// Whether a dump is of one moment.
enum Whole {
    Yes(Vec<RouteNetlinkMessage>),
    No,
}

fn message(what: RouteNetlinkMessage, flags: u16) -> Message {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    NetlinkMessage::new(header, NetlinkPayload::InnerMessage(what))
}

/// Takes a datagram apart. What cannot be parsed is left out.
pub(crate) fn messages(mut datagram: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(length) = length_of(datagram) {
        match Message::deserialize(datagram) {
            Ok(message) => messages.push(message),
            Err(error) => tracing::trace!(%error, "netlink message of unknown form"),
        }
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    messages
}

/// The first message's length, if there is a whole one.
fn length_of(datagram: &[u8]) -> Option<usize> {
    let bytes = datagram.first_chunk::<4>()?;
    let length = usize::try_from(u32::from_ne_bytes(*bytes)).ok()?;
    (16..=datagram.len()).contains(&length).then_some(length)
}
