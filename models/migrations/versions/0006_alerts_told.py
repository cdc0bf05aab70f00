"""whom an alert was told: by mail and by the operator's webhook, its beginning and its end"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import models.base

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIMES = ("mailed_at", "end_mailed_at", "posted_at", "end_posted_at")


def upgrade() -> None:
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        for name in _TIMES:
            batch_op.add_column(sa.Column(name, models.base.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "post_error",
                sqlmodel.sql.sqltypes.AutoString(length=500),
                nullable=False,
                server_default="",
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        for name in ("post_error", *_TIMES):
            batch_op.drop_column(name)
