"""whether a tenant is led through its first steps"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("businesses", sa.Column("first_steps_wanted", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("businesses", "first_steps_wanted")
