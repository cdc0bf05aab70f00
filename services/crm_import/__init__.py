"""The portfolio from the CRM: accounts become clients, their owners assignments. A dry run shows what would change.

The CRM is followed where it changes something; what people have set here stands:

- A client is known again by its CRM id, else by its name whatever its case, else by a domain nobody else has.
- Of name, domain, ticker, industry and tier the import fills in what is empty, and takes over what the CRM changed
  since the last import where nobody changed it here. Where both did, ours stands and the difference is told once.
  What the CRM leaves empty clears nothing. Aliases, excluded terms, keywords and the confidential flag are ours alone.
- An owner is assigned when the CRM names another one than at the last import; then the assignment that the import had
  started for the one before ends. Assignments that people made are never ended, and one that people ended is not
  started again. An owner who is nobody here changes nothing and is named.
- A client that is gone from the CRM is named, and archived only when asked for.
"""

from services.crm_import.apply import apply, preview
from services.crm_import.differ import Choices
from services.crm_import.plan import Change, Gone, Line, Outcome, Plan
from services.crm_import.reading import read_portfolio, translations

__all__ = [
    "Change",
    "Choices",
    "Gone",
    "Line",
    "Outcome",
    "Plan",
    "apply",
    "preview",
    "read_portfolio",
    "translations",
]
