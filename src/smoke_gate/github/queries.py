"""The GraphQL queries: for what REST cannot say.

A comment's id is taken from its address: the field ``databaseId`` is too small for today's ids, and the one that
replaces it is unknown to older Enterprise Servers.
"""

DISCUSSION = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $after) {
        nodes { url body viewerDidAuthor }
        pageInfo { hasNextPage endCursor }
      }
      headRefOid
    }
  }
}
"""

FILE = """
query($owner: String!, $name: String!, $expression: String!) {
  repository(owner: $owner, name: $name) {
    object(expression: $expression) {
      ... on Blob { text isTruncated }
    }
  }
}
"""
