"""provider switches, keys and health"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

import models.base

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "provider_configs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "source", "crm", "classifier", "transport", name="providerkind", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "options",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_provider_configs_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_configs")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_provider_configs_business_id_id")),
        sa.UniqueConstraint(
            "business_id", "kind", "name", name=op.f("uq_provider_configs_business_id_kind_name")
        ),
    )
    op.create_table(
        "provider_health",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "source", "crm", "classifier", "transport", name="providerkind", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("probe_until", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_error", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("last_failed_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_ok_at", models.base.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["business_id"], ["businesses.id"], name=op.f("fk_provider_health_business_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_health")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_provider_health_business_id_id")),
        sa.UniqueConstraint(
            "business_id", "kind", "name", name=op.f("uq_provider_health_business_id_kind_name")
        ),
    )
    op.create_table(
        "crm_imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sqlmodel.sql.sqltypes.AutoString(length=60), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column(
            "said",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("imported_at", models.base.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["businesses.id"], name=op.f("fk_crm_imports_business_id")),
        sa.ForeignKeyConstraint(
            ["business_id", "client_id"],
            ["clients.business_id", "clients.id"],
            name=op.f("fk_crm_imports_business_id_client_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crm_imports")),
        sa.UniqueConstraint("business_id", "id", name=op.f("uq_crm_imports_business_id_id")),
        sa.UniqueConstraint(
            "business_id", "provider", "client_id", name=op.f("uq_crm_imports_business_id_provider_client_id")
        ),
    )
    with op.batch_alter_table("ai_spend", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "purpose",
                sqlmodel.sql.sqltypes.AutoString(length=20),
                nullable=False,
                server_default="classify",
            )
        )
    with op.batch_alter_table("rate_slots", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held_until", models.base.UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:

    with op.batch_alter_table("rate_slots", schema=None) as batch_op:
        batch_op.drop_column("held_until")

    with op.batch_alter_table("ai_spend", schema=None) as batch_op:
        batch_op.drop_column("purpose")

    op.drop_table("crm_imports")
    op.drop_table("provider_health")
    op.drop_table("provider_configs")
