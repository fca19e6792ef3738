"""The shell: observe, plan, perform and tell; undo a command that fails before the cutover.

Plans decide what to do, and ports reach the outside. Nothing here does either.
"""
