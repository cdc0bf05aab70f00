"""schedules keep step with Prefect; a run knows its slot, its process and its stages' times"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

import models.base

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("automation_schedules", schema=None) as batch_op:
        batch_op.add_column(sa.Column("prefect_active", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))

    with op.batch_alter_table("job_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("slot", models.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("holder", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column("resubmitted_at", models.base.UtcDateTime(timezone=True), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "stages",
                sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
                nullable=False,
                server_default=sa.text("'{}'"),
            )
        )
        batch_op.create_index(
            "uq_job_runs_slot",
            ["business_id", "schedule_id", "slot"],
            unique=True,
            sqlite_where=sa.text("slot IS NOT NULL"),
            postgresql_where=sa.text("slot IS NOT NULL"),
        )


def downgrade() -> None:
    with op.batch_alter_table("job_runs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_job_runs_slot",
            sqlite_where=sa.text("slot IS NOT NULL"),
            postgresql_where=sa.text("slot IS NOT NULL"),
        )
        batch_op.drop_column("stages")
        batch_op.drop_column("resubmitted_at")
        batch_op.drop_column("holder")
        batch_op.drop_column("attempt")
        batch_op.drop_column("slot")

    with op.batch_alter_table("automation_schedules", schema=None) as batch_op:
        batch_op.drop_column("revision")
        batch_op.drop_column("prefect_active")
