"""The brief for the next meeting with a client: one page, from what was found and what the CRM says.

``brief_of`` gathers it, ``brief_page`` writes it as a page that stands alone, fit to be printed or kept.
"""

from services.brief.gather import brief_of
from services.brief.page import brief_page, file_name
from services.brief.sheet import Brief, BriefItem, Mood, Question, Step

__all__ = ["Brief", "BriefItem", "Mood", "Question", "Step", "brief_of", "brief_page", "file_name"]
