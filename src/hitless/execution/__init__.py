"""The shell: observe, plan, perform, tell; undo what failed before the cutover.

Nothing here decides what to do (plans do) or touches the outside (ports do).
"""
