"""The web service: links in mails, webhooks of mail providers, health. Thin over services."""
