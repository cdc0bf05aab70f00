"""how each source last answered about a client is one look-up"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = "ix_source_results_client"


def upgrade() -> None:
    op.create_index(_NAME, "source_results", ["business_id", "client_id", "source_api", "created_at"])


def downgrade() -> None:
    op.drop_index(_NAME, table_name="source_results")
