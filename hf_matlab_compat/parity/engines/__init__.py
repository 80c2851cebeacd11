"""Where recordings come from: Octave running somebody's files, recorded numbers, a tape from another machine.

Every engine answers the same question, and the judge need not know which it has asked::

    engine = OctaveEngine()                      # reference_matlab, or OctaveEngine(reference=DIR)
    engine = RecordedEngine()                    # recorded numbers, without Octave
    recording = engine.record(case, precision="double", mode="lockstep", epochs=8)
    recording = engine.with_envelope(recording)  # E measured, or read from the cache

Cases come from `parity.cases`: `builtin_names()`, `builtin_case(name)`, `case_from_mat(path)`. For machines without
Python: `pack(out, cases, …)` writes a folder to run there, `read_tape(out)` reads what it brought back.
Whatever goes wrong is a `ParityError` of one line.

What a `Recording` holds, beyond its own description:

`recording.case`
    The case as it was run: data as the reference saw it (rounded to single where it rounds), `constants` with
    those of the reference's files that differ from the published ones. Run the port on this one.
`kernels`
    'forward' is a list of L arrays (s_i, n), the outputs of the layers on the target chunk; 'll', 'err' are over the
    training set at the epoch's start. A name that is missing cannot be shown by this reference. 'model' is one value
    of ½x'Ax - b'x an iterate, in double, by the reference's own products.
`envelope`
    Keys ``(epoch, name)`` with `name` a kernel, a figure, 'iterate <step>', 'model <step>', 'd' (last CG
    iterate), 'theta' (‖Δ‖ in units of the step). Decisions ('cg_steps', 'reductions', 'lambda', 'chose_iters') are
    there as well: 0 where all members agreed. Missing: not measured.
"""
