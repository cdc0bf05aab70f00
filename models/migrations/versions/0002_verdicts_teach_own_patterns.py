"""verdicts teach, own patterns"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import models.base

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "category_patterns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "funding",
                "acquisition",
                "leadership_change",
                "product_launch",
                "partnership",
                "financial_results",
                "regulatory",
                "litigation",
                "layoffs",
                "expansion",
                "security_incident",
                "award",
                "other",
                name="category",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("phrase", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("says", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("sentiment", sa.Float(), nullable=True),
        sa.Column("risk", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=True),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(length=8), nullable=False),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_category_patterns_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_patterns")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_category_patterns_business_id_id")),
    )
    op.create_table(
        "category_mutes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "funding",
                "acquisition",
                "leadership_change",
                "product_launch",
                "partnership",
                "financial_results",
                "regulatory",
                "litigation",
                "layoffs",
                "expansion",
                "security_incident",
                "award",
                "other",
                name="category",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("created_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.Column("undone_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["clients.business_id", "clients.id"],
            name=op.f("fk_category_mutes_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id", "user_id"],
            ["users.business_id", "users.id"],
            name=op.f("fk_category_mutes_business_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_category_mutes_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_mutes")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_category_mutes_business_id_id")),
    )
    with op.batch_alter_table("category_mutes", schema=None) as batch_op:
        batch_op.create_index(
            "ix_category_mutes_person", ["business_id", "user_id", "client_id"], unique=False
        )

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("withdrawn_at", models.base.UtcDateTime(timezone=True), nullable=True))

    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rule_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("mute_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_feedback_business_id_mute_id"),
            "category_mutes",
            ["business_id", "mute_id"],
            ["business_id", "id"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_feedback_business_id_rule_id"),
            "client_match_rules",
            ["business_id", "rule_id"],
            ["business_id", "id"],
        )


def downgrade() -> None:
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_feedback_business_id_rule_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_feedback_business_id_mute_id"), type_="foreignkey")
        batch_op.drop_column("mute_id")
        batch_op.drop_column("rule_id")

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_column("withdrawn_at")

    with op.batch_alter_table("category_mutes", schema=None) as batch_op:
        batch_op.drop_index("ix_category_mutes_person")

    op.drop_table("category_mutes")
    op.drop_table("category_patterns")
