"""The account of a render: one page for people, which prints well."""
