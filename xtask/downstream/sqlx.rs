//! A service with an inbox in a file, and a database for its own effects.

use std::sync::Arc;

use aifi_push_inbox::{Consumer, Delivery, SqliteInbox};
use sqlx::PgPool;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPool::connect_lazy("postgres://localhost/billing")?;
    let inbox = Arc::new(SqliteInbox::open("events.db").await?);
    let consumer = Consumer::builder(inbox, "billing").fallback(move |delivery: Delivery| {
        let pool = pool.clone();
        async move {
            sqlx::query("insert into bill (event, body) values ($1, $2) on conflict do nothing")
                .bind(delivery.event.id)
                .bind(&delivery.event.body[..])
                .execute(&pool)
                .await?;
            Ok::<_, sqlx::Error>(())
        }
    });
    consumer.run(std::future::pending()).await?;
    Ok(())
}
