//! Tags that a company wants on each volume, beside those of the check.

use aws_sdk_ec2::types::Tag;

use super::tag;
use crate::settings::Settings;

/// EC2 takes 50 tags, and five are the check's.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions>
const MOST: usize = 45;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

/// As `VOLUME_TAGS` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeTags(Vec<(String, String)>);

impl VolumeTags {
    /// From the variable: `CostCenter=4711,Owner=databases`; an empty one says nothing.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        const NAME: &str = "VOLUME_TAGS";
        let text = settings.text_or_empty(NAME);
        let mut tags = Self::default();
        for pair in text.iter().flat_map(|text| text.split(',')) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (key.trim(), value.trim());
            if let Err(why) = tags.check(pair, key, value) {
                settings.fault(format!("{NAME}: `{pair}` {why}"));
            }
            tags.0.push((key.to_owned(), value.to_owned()));
        }
        if tags.0.len() > MOST {
            settings.fault(format!(
                "{NAME} has {} tags, and EC2 takes {MOST} beside the check's own",
                tags.0.len()
            ));
        }
        tags
    }

    fn check(&self, pair: &str, key: &str, value: &str) -> Result<(), String> {
        let lower = key.to_ascii_lowercase();
        let length = |text: &str| text.chars().count();
        Err(if !pair.contains('=') {
            "is not of the form key=value".to_owned()
        } else if key.is_empty() {
            "has no key".to_owned()
        } else if length(key) > LONGEST_KEY {
            format!("has a key of more than {LONGEST_KEY} characters")
        } else if length(value) > LONGEST_VALUE {
            format!("has a value of more than {LONGEST_VALUE} characters")
        } else if lower.starts_with("aws:") {
            "has a key that begins with `aws:`, which AWS keeps to itself".to_owned()
        // IAM reads the keys of tags without regard to case.
        } else if key == "Name" || lower.starts_with("ibbackup") {
            "has a key of the check's own".to_owned()
        } else if self.0.iter().any(|(other, _)| other == key) {
            "has a key that is there already".to_owned()
        } else {
            return Ok(());
        })
    }

    pub(super) fn tags(&self) -> impl Iterator<Item = Tag> {
        self.0.iter().map(|(key, value)| tag(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, VolumeTags};

    fn read(text: &str) -> crate::Result<VolumeTags> {
        let variables = [("VOLUME_TAGS".to_owned(), text.to_owned())].into();
        let mut settings = Settings::new(&variables);
        let tags = VolumeTags::read(&mut settings);
        settings.check().map(|()| tags)
    }

    #[test]
    fn pairs_with_commas_between_them() {
        let pairs = |text| read(text).expect("tags").0;
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("Owner="), [pair("Owner", "")]);
        // What EC2 takes in keys and values, and a blank after the comma.
        assert_eq!(
            pairs("cost:center=47/11 a=b, Größe=klein"),
            [pair("cost:center", "47/11 a=b"), pair("Größe", "klein")]
        );
        let longest = format!("{}={}", "k".repeat(128), "ü".repeat(256));
        assert_eq!(pairs(&longest).len(), 1);
        // EC2 tells `name` from `Name`.
        assert_eq!(pairs("name=x"), [pair("name", "x")]);
    }

    #[test]
    fn what_ec2_or_the_check_does_not_take_stops_the_function() {
        let many = |count| {
            let tags: Vec<String> = (0..count).map(|n| format!("k{n}=v")).collect();
            tags.join(",")
        };
        assert!(read(&many(45)).is_ok());
        for (text, why) in [
            ("Owner", "`Owner` is not of the form key=value"),
            ("a=b,", "`` is not of the form"),
            ("=b", "`=b` has no key"),
            (&format!("{}=v", "k".repeat(129)), "more than 128"),
            (&format!("k={}", "v".repeat(257)), "more than 256"),
            ("AWS:x=y", "keeps to itself"),
            ("Name=x", "`Name=x` has a key of the check's own"),
            ("a=b,IBBackupTest=False", "of the check's own"),
            ("ibbackuprun=x", "of the check's own"),
            ("IBBackupEnvironment=prod", "of the check's own"),
            ("a=b,a=c", "`a=c` has a key that is there already"),
            (&many(46), "has 46 tags, and EC2 takes 45"),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.starts_with("cannot start: VOLUME_TAGS"), "{error}");
            assert!(error.contains(why), "{error}");
        }
    }
}
