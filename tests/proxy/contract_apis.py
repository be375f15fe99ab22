"""All APIs of the contract matrix: `python -m tests.proxy.contract_apis` writes the page."""

from __future__ import annotations

from .contract import Api, main
from .contract_audio import AUDIO
from .contract_chat import CHAT
from .contract_check import CHECK
from .contract_completions import COMPLETIONS
from .contract_deployments import DEPLOYMENTS
from .contract_embeddings import EMBEDDINGS
from .contract_gemini import GEMINI
from .contract_hooks import HOOKED
from .contract_images import IMAGES
from .contract_messages import COUNT, MESSAGES
from .contract_moderations import MODERATIONS
from .contract_ollama import OLLAMA
from .contract_responses import RESPONSES
from .contract_videos import VIDEOS

APIS: tuple[Api, ...] = (
    CHAT,
    *DEPLOYMENTS,
    COMPLETIONS,
    RESPONSES,
    MESSAGES,
    COUNT,
    EMBEDDINGS,
    *IMAGES,
    *VIDEOS,
    *AUDIO,
    MODERATIONS,
    CHECK,
    *GEMINI,
    *OLLAMA,
    *HOOKED,
)

if __name__ == "__main__":
    main(APIS)
