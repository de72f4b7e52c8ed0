//! How many requests EC2 takes: a bucket of tokens for each action, of the account and region.
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use http::Request;

use crate::bucket::Bucket;
use crate::error_response::ErrorResponse;

/// What is left in each bucket. Full at first.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    buckets: BTreeMap<(String, Reads), Bucket>,
}

/// A list that names neither a filter nor a page counts in a smaller bucket of its own.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reads {
    Everything,
    Some,
}

impl Limits {
    /// Takes a token for this request, or refuses it as EC2 does.
    pub fn take(
        &mut self,
        action: &str,
        request: &Request<Bytes>,
        now: SystemTime,
    ) -> Result<(), ErrorResponse> {
        let reads = reads(action, request.body());
        let (most, a_second) = size(action, &reads);
        let bucket = self.buckets.entry((action.to_owned(), reads));
        let bucket = bucket.or_insert_with(|| Bucket::full(most, now));
        if !bucket.take(most, a_second, now) {
            return Err(ErrorResponse {
                status: 503,
                code: "RequestLimitExceeded".to_owned(),
                message: "Request limit exceeded.".to_owned(),
            });
        }
        Ok(())
    }
}

fn reads(action: &str, body: &[u8]) -> Reads {
    let listed = ["DescribeInstances", "DescribeSnapshots", "DescribeVolumes"];
    let body = String::from_utf8_lossy(body);
    let narrowed = ["Filter.", "MaxResults="].map(|parameter| body.contains(parameter));
    if listed.contains(&action) && narrowed == [false, false] {
        Reads::Everything
    } else {
        Reads::Some
    }
}

/// The size of a bucket, and how many tokens it gets a second.
fn size(action: &str, reads: &Reads) -> (f64, f64) {
    match (action, reads) {
        (_, Reads::Everything) => (50.0, 10.0),
        ("CreateTags", _) => (100.0, 10.0),
        ("CreateVolume" | "DeleteVolume", _) => (100.0, 5.0),
        (action, _) if action.starts_with("Describe") => (100.0, 20.0),
        _ => (50.0, 5.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn taken(limits: &mut Limits, action: &str, body: &'static str, now: SystemTime) -> usize {
        let request = Request::new(Bytes::from_static(body.as_bytes()));
        let mut tokens = 0;
        while limits.take(action, &request, now).is_ok() {
            tokens += 1;
        }
        tokens
    }

    #[test]
    fn buckets_are_emptied_and_filled_again() {
        let mut limits = Limits::default();
        let start = SystemTime::UNIX_EPOCH;
        let later = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(taken(&mut limits, "AttachVolume", "", start), 50);
        assert_eq!(taken(&mut limits, "AttachVolume", "", later(1)), 5);
        assert_eq!(taken(&mut limits, "AttachVolume", "", later(3)), 10);
        assert_eq!(taken(&mut limits, "AttachVolume", "", later(1000)), 50);
    }

    #[test]
    fn each_action_has_a_bucket_and_lists_of_everything_a_smaller_one() {
        let mut limits = Limits::default();
        let now = SystemTime::UNIX_EPOCH;
        let mut taken = |action, body| taken(&mut limits, action, body, now);
        assert_eq!(taken("DescribeVolumes", "Filter.1.Name=tag%3Aa"), 100);
        assert_eq!(taken("DescribeVolumes", "VolumeId.1=vol-1"), 50);
        assert_eq!(taken("DescribeVolumes", "VolumeId.1=vol-2&MaxResults=5"), 0);
        assert_eq!(taken("DescribeSnapshots", "SnapshotId.1=snap-1"), 50);
        assert_eq!(taken("CreateVolume", ""), 100);
        assert_eq!(taken("CreateTags", ""), 100);
    }
}
