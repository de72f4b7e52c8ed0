//! Who may do what: the place where the policies of the template plug in.

/// Decides on every action of every call, as IAM would.
pub trait Authorizer: Send + Sync {
    /// Whether the holder of that access key may do this to that resource.
    ///
    /// `action` reads like `ec2:DeleteVolume`; `context` holds the condition keys of the request,
    /// with several values only where IAM knows several (`aws:TagKeys`). The error is IAM's text,
    /// `User: … is not authorized to perform: … on resource: …`. It must not call the stand-in.
    fn allows(
        &self,
        access_key_id: &str,
        action: &str,
        resource_arn: &str,
        context: &[(String, Vec<String>)],
    ) -> Result<(), String>;
}

/// Everybody may do everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn allows(
        &self,
        _access_key_id: &str,
        _action: &str,
        _resource_arn: &str,
        _context: &[(String, Vec<String>)],
    ) -> Result<(), String> {
        Ok(())
    }
}
