"""Tells the structure of protocols from words: what may stand unjudged in a field for a choice, an id, a model, a time or a size.

Nothing passes by the letters it is made of alone: a value is made of the words below and of short numbers, or it has the form of
an id or a time. All else, such as an address of mail, a key, or a word that no protocol has, is a text. A value that a provider
introduces tomorrow is therefore judged as a short text, which costs some microseconds and refuses nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LONGEST: Final = 128
"""Characters up to which a value is structure."""

MOST_DIGITS: Final = 8
"""Digits, besides a date, up to which numbers are versions and sizes; numbers of persons and of cards have more."""

_WORDS: Final = """
aac aarch abab abc accepted accepts accounts accuracy action active ada adaptive added additional additive adjusted agents ai
aiohttp alibaba all allenai allocation allow allowed alloy alpaca always amazon amd annotation anthropic any apac api append
application applied approval approved april arctic arm array arrived ash assistant assistants asst async at au audio august
authenticated auto available average avg avif awq aws axios aya azure baai babbage background baidu ballad bar base based bash
basic batch bedrock begin behavior beta bf bge bigcode binary bison blank block blocked blocking blocklist bmp body boolean bos
both boto botocore budget bytedance bytes ca cache cached caching call called caller calls canceled cancelled candidate
candidates canvas cased categories category cedar central cerebras character characters charset chat chatcmpl chatgpt check
checkpoint child choice chunk ci citation citations classification claude clear click client close cluster cmpl co code
codegemma codellama coder codestral codex cohere collection command commentary compact compaction complete completed completion
completions compute computer concise config connector container content context continue control conversation converse coral
correlation cost count counts cpu created creation creations csharp css csv ctc cu curie curl current custom cutoff dall darwin
data databricks date davinci day days dbrx december deep deepseek default deferred delete deleted delta demo dense deny
deployment description detail detailed details developer devstral dgx diarize diff diffusion direct disabled distill doc
document docx dolphin done dotnet doubao double down download dpo drag duration dynamic e each early east echo edit effort
elapsed embd embed embedding embeddings empty enabled encoding encrypted end ended endpoint english entries eog eos eot
ephemeral equal ernie error escalated eu eval event exact exceeded exclude execution exp experimental expired explain express
extended extension external extra fable fail failed failure fake falcon fast fc feature february fetch fetches few field file
files filter filtered final find finish finished fireworks first five flac flagged flagship flash flex float flux foo force
forced format found fp free fri fs ft full function functions gecko gemini gemma gen genai general generate generated generation
generative geo gguf gif glm global google gov gpt gptq grammar granite graph grok groq grounding group gte guard guzzle gzip
haiku handle hd header heavy height hermes hex hf high history hosted hour hours htm html http httpx huge huggingface hunyuan
ibm id idempotency idle ids ig image imagen images img in include incomplete index inference info input insert inside instruct
int integer interactive interleaved intermediate internal interrupted interval invalid is it item items jamba january janus java
javascript jina jinja jp jpeg jpg js json july june k keep key keypress kimi labs landscape langchain language large lark last
latency latest layer lc learnlm length lenient level library light likely limit line lines linux list listed lite litellm llama
lmstudio load loaded local location log logprob logprobs long lossless low m magistral malformed march marin markdown mask match
math maverick max maximum may mcp mcpa mcpl mcpr md medgemma media medium memory message messages meta metadata method metrics
micro microsoft mid min mini minilm minimal minimax ministral minute minutes missing mistral mistralai mixtral mlx modality mode
model models moderation modr moe mon moonshot moonshotai most mov move mp mpeg mpg mpga mpnet ms msg multi multilingual multiple
mxbai name named nano native natural negligible nemo nemotron never new next nightly nim no node nomic nonblocking none normal
north not note nous nousresearch nova november null number nvidia object octet october of off ogg okhttp ollama olmo omni on one
online only onnx onyx opaque open openai openchat openhermes operation optional opus orca org organization original oss other
out outcome output outside overloaded page pages paligemma palm palmyra parallel parameter part partial parts path pause pcm pdf
peak pending per performance perplexity phase phi php ping pixels pixtral plain plus png policy pong portrait postman ppt pptx
predicted prediction prefix premier preview primary priority private pro probability processed processing profile progress
prohibited proj project prompt properties prover provider provisioned pt public publishers python q quality query queue queued
quota qvq qwen qwq r random range ranked rate ratelimit ratio raw reached read reader reads ready realtime reasoning recitation
recognized recurrentgemma reel reference refusal refused regex region regional reject rejected remaining remote removed req
request requests require required rerank reranker research reset resource resp response responses result results resume
retrieval retry return rgb rgba rlhf role root roots rs ruby run runtime sa saba safe safety sage sampling sat scale scheduling
schema scope score scores scout screenshot script scroll sd sdxl search second seconds section security seed segment segments
sentence september server service session set severity sft sh share shared shell shieldgemma shimmer shutdown silent simple
single size skill skipped slow small smollm snowflake solar some sonar sonic sonnet sora source south spec speech speed spii sql
square srt srvtoolu stability stable stablelm stainless standard starcoder start started state status step stop stopped storage
store stored stream streaming strict string structured style subscription succeeded success suggest summarized summary sun
support svg sync system table tag target task template tencent terminal test text thinking thought thread threshold throttled
thu thudm tier tiff tiiuae time timeout times timestamp timestamps tiny tinyllama titan title together togethercomputer token
tokens tool toolcall tools toolu tooluse top total trace tracing traffic transcribe transcript transcription transformers
translate transparent truncated truncation tsv ttl tts tue tulu turbo turn txt type types typescript ubinary uint ultra uncached
uncased undici unexpected unfiltered unit unknown unlimited unload unrestricted unspecified unsupported untrusted up update
updated upstage upstream uri url urllib us usage use used user utf valid validation value values veo verbose verbosity verse
version vertex vertexai vicuna video vision vivid vl vllm voice voxtral voyage vs vtt wait warning watson watsonx wav wave web
webm webp wed west when whisper why wide width window windows with wizardlm word words working write ws x xai xhigh xls xlsx xml
xyz yaml year yes yi zai zephyr zero zhipu zip zone
"""

WORDS: Final = frozenset(_WORDS.split())
"""Words of protocols, of the names of models and of media types."""

VALUES: Final = frozenset(
    (
        *(
            f"HARM_CATEGORY_{name}"
            for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
        ),
        *("HARM_CATEGORY_CIVIC_INTEGRITY", "HARM_CATEGORY_JAILBREAK"),
    )
)
"""Values of protocols with words that a policy may look for elsewhere."""

_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_.:/+;=-]+(?:@20[0-9]{6})?")
_DATE: Final = r"20[0-4][0-9]-?[01][0-9]-?[0-3][0-9](?![0-9])"
_NUMBER: Final = r"[bcdfkopqrstuv]?[0-9]{1,4}|[0-9]{1,4}(?:[bdehkmosw]|ms|[km]b|px|bit|x[0-9]{1,4}b?)"
_TOKEN: Final = re.compile(
    rf"(?i:(?P<date>{_DATE})|(?:{_NUMBER})(?![a-z0-9]))|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|[0-9]+"
)
"""A date, a short number with what it counts, a word of several written together, or a longer number."""
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_UUID: Final = re.compile(
    r"(?P<of>[a-z_-]{0,40}?)(?=(?:[^a-f]*[a-f]){3})[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
    re.IGNORECASE,
)
_ID: Final = re.compile(
    r"(?:(?:asst|batch|call|chatcmpl|ci|cmpl|ctc|cu|embd|fc|file|fp|fs|gen|ig|img|lc|mcp|mcpa|mcpl|mcpr|modr|msg|req|resp|rs|run"
    r"|srvtoolu|thread|toolu|tooluse|video|vs|ws)[-_])(?:(?:bdrk|vrtx)_)?"
    r"(?=[A-Za-z]*[0-9][A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])(?![A-Za-z]*[0-9]{9})[A-Za-z0-9]{6,64}"
)
"""An id as servers and SDKs make them: what it is of, and one word of letters and digits in turn."""
_LANGUAGE: Final = re.compile(r"[a-z]{2}(?:-(?:Hans|Hant|Latn|Cyrl|Arab))?(?:-(?:[A-Z]{2}|[0-9]{3}))?")
_ARN: Final = re.compile(r"arn:aws[a-z-]{0,12}:(?:bedrock|sagemaker):[a-z0-9-]{0,24}:(?:[0-9]{12})?:")


def is_id(value: str) -> bool:
    """Tell whether a value is an id as machines make them: a UUID, or what it is of and a word of letters and digits."""
    if len(value) > LONGEST:
        return False
    uuid = _UUID.fullmatch(value)
    return _is_of_words(uuid["of"]) if uuid else _ID.fullmatch(value) is not None


@lru_cache(4_096)
def is_structure(value: str) -> bool:
    """Tell whether a value is made of words and numbers of protocols, or an id, a time or a language: it says no more."""
    if not value or value in VALUES:
        return True
    if len(value) > LONGEST or not _CHARACTERS.fullmatch(value):
        return False
    if is_id(value) or _TIME.fullmatch(value) or _LANGUAGE.fullmatch(value):
        return True
    head = _ARN.match(value)
    return _is_of_words(value[head.end() :] if head else value)


def _is_of_words(value: str) -> bool:
    digits, dates = 0, 0
    for token in _TOKEN.finditer(value):
        said = token[0]
        if said.isalpha():
            if said.lower() not in WORDS:
                return False
        elif token["date"] and not dates:
            dates += 1
        else:
            digits += sum(map(str.isdigit, said))
    return digits <= MOST_DIGITS
