//! Which volume's snapshots are the backup.

use common::settings::Settings;

/// The volume whose snapshots are the backup.
pub(crate) struct Source {
    /// Its id.
    pub volume_id: String,
    /// Its description in messages.
    pub name: String,
    /// It was named by its id, not by its instance.
    pub by_id: bool,
}

/// The volume that the settings name, if any.
pub(crate) fn read(settings: &mut Settings) -> Option<String> {
    let id = settings.text_or_empty("SOURCE_VOLUME_ID")?;
    let rest = id.strip_prefix("vol-").unwrap_or_default();
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        settings.fault(format!(
            "SOURCE_VOLUME_ID is `{id}`, not the id of a volume"
        ));
    }
    Some(id)
}
