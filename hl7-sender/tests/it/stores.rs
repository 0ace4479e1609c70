//! The contract of stores, kept by each store there is.

use hl7_sender::{MemoryStore, contract};

use crate::peer::Folder;

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    let mut folders = Vec::new();
    contract::check(async || {
        let folder = Folder::new();
        let store = folder.store().await;
        folders.push(folder);
        store
    })
    .await;
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    contract::check(async || MemoryStore::new()).await;
}
