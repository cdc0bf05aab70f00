"""Which company is a text about: names and aliases, candidates, and the verdict with its reason.

Pure functions over text: no database, no network, no clock. `names` holds the profile and the forms of its
names, `index` finds candidates for thousands of profiles in one pass, `match` judges one profile against one
text: `sense` asks whether a name is the company (`before`, `after`, `namesakes` and `verbs` read its neighbours,
`elsewhere` the rest of the text), `salience` whether the company has a part in the news (`involved`, `topics`,
`voices`, `lists`). What the English language knows (verbs, roles, industries, given names) is data in
`lexicon_en.toml` and `industries_en.toml`.
"""
