"""tracking, suppression lists"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import models.base

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:

    with op.batch_alter_table("businesses", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("tracking_enabled", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("silent_days", sa.Integer(), nullable=False, server_default="3"))

    with op.batch_alter_table("email_events", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "target", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False, server_default=""
            )
        )
        batch_op.add_column(
            sa.Column(
                "user_agent", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False, server_default=""
            )
        )

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "topic", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False, server_default="all"
            )
        )
        batch_op.add_column(sa.Column("created_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("lifted_by", sa.Uuid(), nullable=True))

    with op.batch_alter_table("user_preferences", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("tracking_consent_at", models.base.UtcDateTime(timezone=True), nullable=True)
        )

    op.create_table(
        "engagement_counts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "delivery_kind",
            sa.Enum(
                "event_notification",
                "digest",
                "alert",
                "system",
                name="deliverykind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "delivered",
                "deferred",
                "soft_bounce",
                "hard_bounce",
                "complaint",
                "unsubscribe",
                "open",
                "click",
                name="returnkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "actor",
            sa.Enum("human", "machine", "unknown", name="actor", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_engagement_counts_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagement_counts")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_engagement_counts_business_id_id")),
        sa.UniqueConstraint(
            "business_id",
            "day",
            "delivery_kind",
            "kind",
            "actor",
            name=op.f("uq_engagement_counts_business_id_day_delivery_kind_kind_actor"),
        ),
    )


def downgrade() -> None:

    op.drop_table("engagement_counts")

    with op.batch_alter_table("user_preferences", schema=None) as batch_op:
        batch_op.drop_column("tracking_consent_at")

    with op.batch_alter_table("suppressions", schema=None) as batch_op:
        batch_op.drop_column("lifted_by")
        batch_op.drop_column("created_by")
        batch_op.drop_column("topic")

    with op.batch_alter_table("email_events", schema=None) as batch_op:
        batch_op.drop_column("user_agent")
        batch_op.drop_column("target")

    with op.batch_alter_table("businesses", schema=None) as batch_op:
        batch_op.drop_column("silent_days")
        batch_op.drop_column("tracking_enabled")
