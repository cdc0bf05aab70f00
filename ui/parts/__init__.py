"""What several pages share: words, layout, charts."""
