"""the email log's filters and the figures of Insights are read from indexes"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NEW = {
    "ix_email_logs_filter": ("email_logs", ["state", "kind", "created_at", "id", "user_id"]),
    "ix_notifications_figures": (
        "notifications",
        ["created_at", "state", "route", "reason", "client_id", "event_id"],
    ),
    "ix_events_figures": (
        "events",
        [
            "happened_at",
            "category",
            "client_id",
            "sentiment",
            "story_id",
            "language_supported",
            "withdrawn_at",
        ],
    ),
    "ix_source_results_figures": ("source_results", ["created_at", "source_api", "state"]),
    "ix_feedback_time": ("feedback", ["created_at"]),
    "ix_audit_logs_subject": ("audit_logs", ["subject", "created_at", "id"]),
}
_CHANGED = {
    "ix_email_logs_person": (
        ["business_id", "user_id", "created_at"],
        ["business_id", "user_id", "created_at", "id"],
    ),
    "ix_email_logs_message_id": (["message_id"], ["message_id", "business_id"]),
}


def upgrade() -> None:
    for name, (_old, new) in _CHANGED.items():
        op.drop_index(name, table_name="email_logs")
        op.create_index(name, "email_logs", new)
    for name, (table, columns) in _NEW.items():
        op.create_index(name, table, ["business_id", *columns])


def downgrade() -> None:
    for name, (table, _columns) in reversed(_NEW.items()):
        op.drop_index(name, table_name=table)
    for name, (old, _new) in _CHANGED.items():
        op.drop_index(name, table_name="email_logs")
        op.create_index(name, "email_logs", old)
