"""What `invoke accept` does: the acceptance tests by requirement id, and a matrix of what is proven, failed, argued, declared or open.

requirements: the list, as data. operator: what only the operator can say. tests: runs pytest and reads what it found. matrix: all of it together (pure).
files: the matrix as HTML, JSON and JUnit (pure).
"""
