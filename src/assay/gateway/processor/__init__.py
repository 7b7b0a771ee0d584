"""The processor: Envoy's external processor (ext_proc) that encrypts, decrypts and masks fields of JSON bodies.

From the inside out: :mod:`.json_text` reads and writes JSON without harming it, :mod:`.paths` finds the fields,
:mod:`.forms` and :mod:`.masking` decide what a caller sees, :mod:`.encryption` what the store sees, :mod:`.callers`
who the caller is; :mod:`.engine` compiles a :mod:`.bundle` of policy; :mod:`.exchange` is one HTTP exchange as a
sequence of pure decisions; :mod:`.server` speaks them to Envoy. Whatever goes wrong, the answer is a refusal, not the
clear body.
"""
