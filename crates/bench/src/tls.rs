//! TLS as the functions meet it: a certificate for this machine, and who vouches for it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// The name that the certificate is for.
pub(super) const HOST: &str = "localhost";

/// Where systems keep the certificates that they trust, in one file.
const TRUSTED: [&str; 3] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
];

/// An authority of this run, which the functions trust beside all others.
pub(super) struct Authority {
    acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes one, and writes it into `bundle` behind what this machine trusts: to read as many
    /// certificates as a function must read is part of what it costs.
    pub fn new(bundle: &Path) -> anyhow::Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of the server's own name, OpenSSL would take the server's certificate for self-signed.
        let name = &mut authority.distinguished_name;
        name.push(DnType::CommonName, "the authority of this bench");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let server = CertificateParams::new([HOST.to_owned()])?.signed_by(&key, &*authority)?;
        let trusted = TRUSTED.iter().find(|path| Path::new(path).exists());
        let trusted = trusted.context("this machine has no file of trusted certificates")?;
        let mut trusted = std::fs::read_to_string(trusted)?;
        trusted.push_str(&authority.pem());
        std::fs::write(bundle, trusted)?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![server.der().clone()], key)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Has every connection of `listener` begin with a handshake.
    pub fn over(&self, listener: TcpListener) -> TlsListener {
        TlsListener {
            listener,
            acceptor: self.acceptor.clone(),
        }
    }
}

/// A listener for HTTPS.
pub(super) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            // As servers do, or small answers wait for acknowledgements.
            let _ = stream.set_nodelay(true);
            // Whoever fails at it hears so, and the run that it belongs to fails.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
