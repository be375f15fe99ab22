"""Inference: weights → scores. Knows no content, no category's meaning and no policy.

`safety`, the shipped models, whose folders have a manifest:

split_passages   a text → the stretches that no continuation can change, which windows are made of
WindowCutter     a text → the windows of a model's tokens that cover it, with their spans
EncoderSession   rows of tokens → scores; ONNX Runtime on single threads
WorkerPool       the process's cores, shared by all who run a session
Batcher          rows of all callers in batches, for a device that runs many at the cost of a few
ResultCache      what was made of the inputs that came last, so that none is run twice
HashedHeads      folded texts → the scores of the linear model, in well under a millisecond
SafetyModel      a folder of weights, checked, ready and shared: everything above together

`hub` and `media`, any other model, by what its own folder says:

hub_cache        the name of a model of the hub → the folder that its files lie in, without the network
labels           config.json → labels, positions, and what makes scores of logits
runtimes         a folder → what turns rows into logits, on ONNX Runtime or torch
SharedModels     one model for all who ask for the same files with the same options
ModelTokenizer   any tokenizer.json → windows, and rows with the special tokens that it asks for
SequenceModel    a classifier of texts, or of pairs of texts: everything above together
GenerativeModel  a model that answers, with what its first tokens were worth
Embedder         texts → vectors that are near where texts are about the same
pixels           a folder and a picture → the numbers that the model reads, of the whole and of its parts
PictureModel     a classifier of pictures: views → the highest score of each label
VoiceTracker     a sound → the stretches in which somebody speaks
SpeechModel      a model that writes down speech: a piece of sound → words with their times
ThirdPartyModel  a manifest → the weights in packages of others, each file with the digest that it must have
WhisperModel     the same by Whisper, from such weights, which says where it does not understand
"""
