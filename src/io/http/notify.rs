//! One request to a service that the user has named. A thread of its own makes it: nobody else waits for that.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use thiserror::Error;
use tokio::sync::oneshot;
use ureq::http::Request;

use crate::decide::show::message::Message;
use crate::io::http::client::Http;
use crate::io::http::error::HttpError;

/// What is sent, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub url: String,
    pub token_file: Option<PathBuf>,
    /// For POST; `None`: GET.
    pub message: Option<Message>,
}

/// Why it was not delivered.
#[derive(Debug, Error)]
pub enum DeliveryError {
    #[error("token-file: {} cannot be read: {source}", path.display())]
    Token { path: PathBuf, source: io::Error },
    #[error("token-file: {} has a character that no header may have", .0.display())]
    NoHeader(PathBuf),
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It is not followed: the other server would get the token.
    #[error(
        "it answers with {0}, a redirect, which is not followed: write the URL that it leads to"
    )]
    Redirect(u16),
    #[error("it answers with {0}")]
    Status(u16),
    #[error("this process cannot have one more thread")]
    Thread,
}

impl Delivery {
    /// Sends it once. If the future is dropped, the request goes on until its own timeout.
    ///
    /// # Errors
    /// [`DeliveryError`]
    pub async fn send(self) -> Result<(), DeliveryError> {
        let (done, result) = oneshot::channel();
        // If nobody waits any more, nobody needs the result.
        let call = move || drop(done.send(self.send_now()));
        let thread = thread::Builder::new().name("notify".to_owned()).spawn(call);
        thread.map_err(|_| DeliveryError::Thread)?;
        result.await.unwrap_or(Err(DeliveryError::Thread))
    }

    /// The same, in this thread.
    ///
    /// # Errors
    /// [`DeliveryError`]
    pub fn send_now(&self) -> Result<(), DeliveryError> {
        let method = if self.message.is_some() { "POST" } else { "GET" };
        let mut request = Request::builder().method(method).uri(&self.url);
        if let Some(path) = &self.token_file {
            request = request.header("Authorization", format!("Bearer {}", token(path)?));
        }
        let message = self.message.as_ref();
        for (name, value) in message.iter().flat_map(|message| &message.headers) {
            request = request.header(*name, value);
        }
        let body = message.map(|message| message.body.clone()).unwrap_or_default();
        let request = request
            .body(body)
            .map_err(|_| DeliveryError::NoHeader(self.token_file.clone().unwrap_or_default()))?;
        match Http::new(None)?.status(request)? {
            200..=299 => Ok(()),
            status @ 300..=399 => Err(DeliveryError::Redirect(status)),
            status => Err(DeliveryError::Status(status)),
        }
    }
}

fn token(path: &Path) -> Result<String, DeliveryError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| DeliveryError::Token { path: path.to_owned(), source })?;
    Ok(text.trim().to_owned())
}
