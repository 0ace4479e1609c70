//! Settings made from files that may change while the program runs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::TlsError;
use super::pem::Pem;

type Make<T> = Box<dyn Fn(&[Vec<u8>]) -> Result<T, TlsError> + Send + Sync>;

/// Something made of PEM texts, and made anew when they change. Where the new ones cannot be used, the old one stays.
pub(crate) struct Reloading<T> {
    sources: Vec<Pem>,
    make: Make<T>,
    held: Mutex<Held<T>>,
}

struct Held<T> {
    /// What it was made of, or would have been.
    texts: Vec<Vec<u8>>,
    value: Arc<T>,
    fault: Option<&'static str>,
}

impl<T> Reloading<T> {
    pub(crate) fn new(sources: Vec<Pem>, make: Make<T>) -> Result<Self, TlsError> {
        let texts = read(&sources)?;
        let value = Arc::new(make(&texts)?);
        Ok(Self { sources, make, held: Mutex::new(Held { texts, value, fault: None }) })
    }

    /// What there is, without a look at the files.
    pub(crate) fn held(&self) -> Arc<T> {
        self.lock().value.clone()
    }

    /// The code of why the files cannot be used as they are now.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.lock().fault
    }

    /// Reads the files, whose times are too coarse to trust, and makes the value anew when one has changed.
    pub(crate) fn read_again(&self) -> Arc<T> {
        let read = read(&self.sources);
        let mut held = self.lock();
        match read {
            Ok(texts) if texts == held.texts => {}
            Ok(texts) => {
                let made = (self.make)(&texts);
                held.texts = texts;
                held.take(made);
            }
            Err(why) if held.fault == Some(why.code()) => {}
            Err(why) => {
                // So that the old files are taken for new ones when they are back.
                held.texts.clear();
                held.take(Err(why));
            }
        }
        held.value.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Held<T> {
    fn take(&mut self, made: Result<T, TlsError>) {
        match made {
            Ok(value) => {
                tracing::info!("the certificates have changed and are in use");
                self.value = Arc::new(value);
                self.fault = None;
            }
            Err(why) => {
                tracing::error!(
                    code = why.code(),
                    "the changed certificates cannot be used: the old ones stay"
                );
                self.fault = Some(why.code());
            }
        }
    }
}

impl<T: Send + Sync + 'static> Reloading<T> {
    /// As [`Reloading::read_again`], off the threads that must not wait for a disk.
    pub(crate) async fn current(self: &Arc<Self>) -> Arc<T> {
        if !self.sources.iter().any(Pem::is_file) {
            return self.held();
        }
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || this.read_again()).await.unwrap_or_else(|_| self.held())
    }
}

impl<T> fmt::Debug for Reloading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.sources).finish()
    }
}

fn read(sources: &[Pem]) -> Result<Vec<Vec<u8>>, TlsError> {
    sources.iter().map(Pem::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::TlsErrorKind;

    #[test]
    fn what_cannot_be_used_changes_nothing_and_is_told_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "one").unwrap();
        let make = |texts: &[Vec<u8>]| match &*texts[0] {
            b"bad" => Err(TlsError::new(TlsErrorKind::NoCertificate)),
            good => Ok(String::from_utf8_lossy(good).into_owned()),
        };
        let reloading = Reloading::new(vec![Pem::file(&path)], Box::new(make)).unwrap();
        let check = |text: Option<&str>, value: &str, fault| {
            match text {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            for _ in 0..2 {
                assert_eq!((reloading.read_again().as_str(), reloading.fault()), (value, fault), "{text:?}");
            }
        };
        check(Some("two"), "two", None);
        check(Some("bad"), "two", Some("N422"));
        check(None, "two", Some("N421"));
        check(Some("two"), "two", None);
        check(None, "two", Some("N421"));
        check(Some("two"), "two", None);
        check(None, "two", Some("N421"));
        check(Some("bad"), "two", Some("N422"));
        check(Some("six"), "six", None);
    }

    #[test]
    fn what_is_not_changed_is_not_made_again() {
        let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counts = made.clone();
        let make = move |_: &[Vec<u8>]| Ok(counts.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let reloading = Reloading::new(vec![Pem::bytes("same")], Box::new(make)).unwrap();
        assert!(Arc::ptr_eq(&reloading.read_again(), &reloading.read_again()));
        assert_eq!(made.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
