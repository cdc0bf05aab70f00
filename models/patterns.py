"""A tenant's own category patterns: phrases that speak for a category in its trade."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, Session, col, select

from models.base import TenantRow, enum_field, table_args, utc_field
from models.events import Category
from models.scope import Scope


class CategoryPattern(TenantRow, table=True):
    """One phrase, in the language of the rules' own patterns. A removed one stays, for the decisions it made."""

    __tablename__ = "category_patterns"
    __table_args__ = table_args()

    category: Category = enum_field(Category)
    phrase: str
    weight: float
    says: str = Field(max_length=200)
    sentiment: float | None = None
    risk: str | None = Field(default=None, max_length=20)
    language: str = Field(default="en", max_length=8)
    created_at: datetime = utc_field(nullable=False)
    removed_at: datetime | None = utc_field()


def patterns_in_force(scope: Scope, session: Session) -> list[CategoryPattern]:
    """The tenant's patterns that are not removed, oldest first."""
    query = select(CategoryPattern).where(col(CategoryPattern.removed_at).is_(None))
    return list(session.exec(query.order_by(col(CategoryPattern.id))))


def pattern_by_id(scope: Scope, session: Session, pattern_id: UUID) -> CategoryPattern | None:
    """The pattern with this id, removed or not."""
    return session.exec(select(CategoryPattern).where(CategoryPattern.id == pattern_id)).first()
