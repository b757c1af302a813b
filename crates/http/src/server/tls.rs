//! TLS on what is accepted, with a certificate that may change while it runs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at. Who renews a certificate does so weeks before it ends.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A certificate and its key, in PEM files that are read again when they change.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has not in it what it should.
    #[error("cannot read {what} from {path}: {error}", path = path.display())]
    File {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: String,
    },
    /// The key is another certificate's, or of a kind that is not understood.
    #[error("the key in {key} is not that of the certificate in {certificate}: {error}",
        key = key.display(), certificate = certificate.display())]
    Key {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
        /// What rustls says.
        error: rustls::Error,
    },
    /// rustls cannot be set up.
    #[error(transparent)]
    Setup(#[from] rustls::Error),
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate.certificate).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
    present: RwLock<Arc<CertifiedKey>>,
}

impl Tls {
    /// Reads the chain of certificates, the server's own first, and its key. Both HTTP/2 and HTTP/1.1 are offered.
    ///
    /// # Errors
    /// [`TlsError`] says what is wrong with which file.
    pub fn read(certificate: PathBuf, key: PathBuf) -> Result<Self, TlsError> {
        let present = RwLock::new(Arc::new(read_pair(&certificate, &key)?));
        let certificate = Arc::new(Certificate { certificate, key, present });
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
        let mut config = builder.with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Shakes hands.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }

    /// Reads the files again whenever they change, for as long as it is polled. A pair that does not fit, as while only
    /// one of them has been written, leaves the present one in place.
    pub(super) async fn follow_files(&self) {
        let files = Arc::clone(&self.certificate);
        let mut seen = files.changed_at();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = files.changed_at();
            if now == seen {
                continue;
            }
            let read = {
                let files = Arc::clone(&files);
                tokio::task::spawn_blocking(move || read_pair(&files.certificate, &files.key)).await
            };
            match read {
                Ok(Ok(pair)) => {
                    *files.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                    tracing::info!(certificate = %files.certificate.display(), "serves another certificate");
                    seen = now;
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "goes on with the certificate that it has");
                    seen = now;
                }
                // The runtime ends.
                Err(_) => return,
            }
        }
    }
}

impl Certificate {
    /// When the files were last written, and how large they are; a file that is not there just now has neither.
    fn changed_at(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read_pair(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let refused = |what, path: &Path, error: String| TlsError::File { what, path: path.to_owned(), error };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| refused("a certificate", certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(refused("a certificate", certificate, "there is none in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| refused("a key", key, error.to_string()))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|error| TlsError::Key {
        key: key.to_owned(),
        certificate: certificate.to_owned(),
        error,
    })
}
