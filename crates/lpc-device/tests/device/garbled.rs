//! Noise on the line.

use crate::support::{Device, settings};
use fastrand::Rng;
use lpc_device::frame::{END, encode, max_frame};
use lpc_device::{Reply, Request, WireSettings};
use serde::ser::{Serialize, SerializeTuple, Serializer};

const MESSAGES: usize = 10_000;

/// One message of so many is larger than the device can receive.
const LARGE_SHARE: usize = 2000;

/// How many messages are sent before the device is asked whether it is still there.
const BATCH: usize = 50;

#[test]
fn every_garbled_message_is_answered_with_an_error() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let mut random = Rng::with_seed(7);
    let frames = good_frames();
    for batch in 0..MESSAGES / BATCH {
        let mut expected = 0;
        for number in batch * BATCH..(batch + 1) * BATCH {
            let frame = random.choice(&frames).expect("there are some");
            let garbled = match number % LARGE_SHARE {
                0 => oversized(&device, &mut random),
                _ => garble(frame, &mut random),
            };
            // A zero in its middle makes a message two.
            expected += garbled
                .split(|byte| *byte == END)
                .filter(|part| !part.is_empty())
                .count();
            device.client.send_bytes(&garbled).unwrap();
        }
        assert_eq!(
            replies(&mut device, batch as u32),
            (expected, 0),
            "batch {batch}"
        );
    }
    device.check_alive();
}

/// What arrives as it was sent, and is nonsense.
#[test]
fn every_wrong_message_is_answered() {
    let Some(mut device) = Device::start() else {
        return;
    };
    let mut random = Rng::with_seed(8);
    let payloads = good_payloads();
    for batch in 0..MESSAGES / 4 / BATCH {
        for _ in 0..BATCH {
            let payload = random.choice(&payloads).expect("there are some");
            let wrong = change(payload, &mut random);
            let mut buffer = vec![0; max_frame(wrong.len())];
            let frame = encode(&Raw(&wrong), &mut buffer).unwrap();
            device.client.send_bytes(frame).unwrap();
        }
        let (failures, others) = replies(&mut device, batch as u32);
        // Some still are requests, and a program writes before it returns.
        assert!(
            failures + others >= BATCH,
            "batch {batch}: {failures} and {others}"
        );
    }
    device.check_alive();
}

/// How many failures, and how many other replies, come before the device answers that it is there.
fn replies(device: &mut Device, nonce: u32) -> (usize, usize) {
    let nonce = !nonce;
    device.client.send(&Request::Describe { nonce }).unwrap();
    let (mut failures, mut others) = (0, 0);
    loop {
        let is_last = device.client.receive(|reply| match reply {
            Reply::Description(description) if description.nonce == nonce => true,
            Reply::Failed { .. } => {
                failures += 1;
                false
            }
            _ => {
                others += 1;
                false
            }
        });
        if is_last.unwrap() {
            return (failures, others);
        }
    }
}

fn good_requests(visit: &mut dyn FnMut(&Request<'_>)) {
    let text = include_bytes!("../../../../examples/gcd.clif");
    let settings = settings();
    let extensions = settings.extensions.to_string();
    let settings = WireSettings::new(&settings, &extensions);
    visit(&Request::Load {
        settings,
        heap_limit: 1 << 20,
        module: text,
    });
    visit(&Request::Call {
        function: 0,
        instruction_limit: 1000,
        calls: 2,
        arguments: &[3; 16],
    });
    visit(&Request::Read {
        address: 0x8080_0000,
        length: 100,
    });
    visit(&Request::Describe { nonce: 77 });
    visit(&Request::Input(b"some bytes"));
    visit(&Request::Reset);
}

fn good_frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    good_requests(&mut |request| {
        let mut buffer = vec![0; max_frame(1 << 12)];
        frames.push(encode(request, &mut buffer).unwrap().to_vec());
    });
    frames
}

fn good_payloads() -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    good_requests(&mut |request| {
        let mut buffer = vec![0; 1 << 12];
        payloads.push(postcard::to_slice(request, &mut buffer).unwrap().to_vec());
    });
    payloads
}

/// `frame`, damaged, and at its end what separates it from the next one.
fn garble(frame: &[u8], random: &mut Rng) -> Vec<u8> {
    loop {
        let mut garbled = frame[..frame.len() - 1].to_vec();
        match random.u8(..5) {
            0 => {
                for _ in 0..random.usize(1..4) {
                    let bit = random.usize(..garbled.len() * 8);
                    garbled[bit / 8] ^= 1 << (bit % 8);
                }
            }
            1 => garbled.truncate(random.usize(..garbled.len())),
            2 => {
                let length = random.usize(1..300);
                garbled = (0..length).map(|_| random.u8(..)).collect();
            }
            3 => {
                let place = random.usize(..garbled.len());
                garbled.insert(place, random.u8(..));
            }
            _ => {
                garbled.remove(random.usize(..garbled.len()));
            }
        }
        garbled.push(END);
        let has_bytes = garbled.iter().any(|byte| *byte != END);
        if has_bytes
            && !garbled
                .split(|byte| *byte == END)
                .any(|part| part == &frame[..frame.len() - 1])
        {
            return garbled;
        }
    }
}

/// More bytes than the device has room for.
fn oversized(device: &Device, random: &mut Rng) -> Vec<u8> {
    let most = max_frame(device.client.description().max_request as usize);
    let length = most + random.usize(1..20_000);
    let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(1..)).collect();
    bytes.push(END);
    bytes
}

/// `payload` with wrong lengths, kinds and values.
fn change(payload: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut changed = payload.to_vec();
    for _ in 0..random.usize(1..4) {
        let place = random.usize(..changed.len());
        match random.u8(..4) {
            0 => changed[place] = random.u8(..),
            1 => changed.truncate(place.max(1)),
            2 => changed.insert(place, random.u8(..)),
            // Where the lengths are.
            _ => {
                let place = random.usize(..changed.len().min(40));
                changed[place] = *random
                    .choice(&[0, 0x7f, 0x80, 0xff])
                    .expect("there are some");
            }
        }
    }
    changed
}

/// Bytes that are a message as they are.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for byte in self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}
