"""The architectures of zoo.py: name -> (family, function that builds the module, its inputs).

Those of torchvision, timm and transformers are here, those of no library in zoo_images.py and zoo_series.py. Every module takes tensors and returns one tensor or a tuple of them. Language models take embeddings instead of token
ids, so that there is an input gradient; a few are listed a second time with ids.
"""
import torch

from zoo_images import image_models
from zoo_parts import Wrapped, ids, image, noise
from zoo_series import series_models


# torchvision -----------------------------------------------------------------------------------------------------------
# AlexNet and VGG pool adaptively to 6 x 6 and 7 x 7, which TorchScript's exporter takes at 224 only.
TORCHVISION = {
    "alexnet": 224, "vgg11": 224, "vgg16": 224, "vgg16_bn": 224, "resnet18": 64, "resnet34": 64, "resnet50": 64,
    "resnext50_32x4d": 64, "wide_resnet50_2": 64, "densenet121": 64, "squeezenet1_0": 64, "squeezenet1_1": 64,
    "googlenet": 64, "inception_v3": 80, "mobilenet_v2": 64, "mobilenet_v3_small": 64, "mobilenet_v3_large": 64,
    "mnasnet0_5": 64, "mnasnet1_0": 64, "shufflenet_v2_x0_5": 64, "shufflenet_v2_x1_0": 64, "regnet_x_400mf": 64,
    "regnet_y_400mf": 64, "efficientnet_b0": 64, "efficientnet_v2_s": 64, "convnext_tiny": 64, "swin_t": 64,
    "swin_v2_t": 64,
}


def torchvision_models():
    import torchvision

    def classifier(name, size, **options):
        options |= {"aux_logits": False} if name in ("googlenet", "inception_v3") else {}
        if "aux_logits" in options:
            options["init_weights"] = True
        return getattr(torchvision.models, name)(weights=None, **options), image(size)

    def transformer(size, patch):
        return torchvision.models.VisionTransformer(size, patch, 2, 4, 64, 128, num_classes=50), image(size)

    def segmenter(name):
        model = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None, num_classes=6)
        return Wrapped(model, lambda m, x: m(x)["out"]), image(64)

    def feature_pyramid():
        from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
        return Wrapped(resnet_fpn_backbone(backbone_name="resnet18", weights=None),
                       lambda m, x: tuple(m(x).values())), image(64)

    def video(name):
        return getattr(torchvision.models.video, name)(weights=None), noise(1, 3, 4, 32, 32)

    yield from ((n, "torchvision", lambda n=n, s=s: classifier(n, s)) for n, s in TORCHVISION.items())
    yield "vit_b (small)", "torchvision", lambda: transformer(32, 8)
    yield "maxvit (small)", "torchvision", lambda: (torchvision.models.MaxVit(
        (64, 64), 16, 2, [16, 32], [1, 1], 16, 0.1, num_classes=10), image(64))
    for name in ("fcn_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"):
        yield name, "segmentation", lambda n=name: segmenter(n)
    yield "resnet18_fpn", "detection backbone", feature_pyramid
    for name in ("r3d_18", "mc3_18", "r2plus1d_18"):
        yield name, "video", lambda n=name: video(n)


# timm ------------------------------------------------------------------------------------------------------------------
# name: size, or (size, options of create_model)
TIMM = {
    "resnet26t": 64, "resnetv2_18": 64, "seresnet18": 64, "skresnet18": 64, "ecaresnet26t": 64, "resnetblur18": 64,
    "resnest26d": 64, "res2net50_26w_4s": 64, "resnext26ts": 64, "gcresnext26ts": 64, "nf_resnet26": 64,
    "nf_regnet_b0": 64, "regnety_002": 64, "regnetx_002": 64, "regnetz_005": 64, "densenet121": 64, "dpn68": 64,
    "dla34": 64, "hrnet_w18_small": 64, "xception41": 64, "inception_v4": 96, "selecsls42": 64, "cspdarknet53": 64,
    "cspresnet50": 64, "darknet53": 64, "vovnet39a": 64, "ese_vovnet19b_dw": 64, "ghostnet_050": 64, "ghostnetv2_100": 64,
    "mobilenetv3_small_050": 64, "mobilenetv4_conv_small": 64, "mobilenetv4_hybrid_medium": 64, "mixnet_s": 64,
    "tinynet_e": 64, "efficientnet_lite0": 64, "tf_efficientnet_b0": 64, "efficientnetv2_rw_t": 64, "fbnetc_100": 64,
    "spnasnet_100": 64, "rexnet_100": 64, "hardcorenas_a": 64, "mnasnet_small": 64, "lcnet_050": 64, "repvgg_a0": 64,
    "mobileone_s0": 64, "fastvit_t8": 64, "fasternet_t0": 64, "starnet_s1": 64, "hgnetv2_b0": 64, "convnext_atto": 64,
    "convnextv2_atto": 64, "inception_next_atto": 64, "convmixer_768_32": 64, "edgenext_xx_small": 64,
    "repghostnet_050": 64, "repvit_m0_9": 64, "rdnet_tiny": 64, "focalnet_tiny_srf": 64, "poolformer_s12": 64,
    "caformer_s18": 64, "convformer_s18": 64, "mambaout_femto": 64, "van_b0": 64, "pvt_v2_b0": 64, "twins_pcpvt_small": 64,
    "swiftformer_xs": 64, "efficientvit_b0": 64, "efficientvit_m0": (64, {}), "efficientformerv2_s0": 224,
    "efficientformer_l1": 224, "levit_128s": 224, "mobilevit_xxs": 64, "mobilevitv2_050": 64, "coat_lite_tiny": (64, {"img_size": 64}),
    "coatnet_nano_rw_224": (64, {"img_size": 64}), "maxvit_pico_rw_256": (64, {"img_size": 64}),
    "davit_tiny": 64, "gcvit_xxtiny": 224, "nest_tiny": (64, {"img_size": 64}), "visformer_tiny": (64, {"img_size": 64}),
    "vit_tiny_patch16_224": (64, {"img_size": 64}), "deit_tiny_distilled_patch16_224": (64, {"img_size": 64}),
    "deit3_small_patch16_224": (64, {"img_size": 64, "depth": 3}), "beit_base_patch16_224": (64, {"img_size": 64, "depth": 2}),
    "cait_xxs24_224": (64, {"img_size": 64, "depth": 4}), "xcit_nano_12_p16_224": (64, {"img_size": 64}),
    "crossvit_tiny_240": 240, "pit_ti_224": (64, {"img_size": 64}), "tnt_s_patch16_224": (64, {"img_size": 64, "depth": 3}),
    "swin_tiny_patch4_window7_224": (56, {"img_size": 56}), "swinv2_tiny_window8_256": (64, {"img_size": 64}),
    "swin_s3_tiny_224": (56, {"img_size": 56}), "eva02_tiny_patch14_224": (56, {"img_size": 56, "depth": 3}),
    "convit_tiny": (64, {"img_size": 64}), "volo_d1_224": (64, {"img_size": 64}), "mvitv2_tiny": (64, {"img_size": 64}),
    "tiny_vit_5m_224": 224, "hiera_tiny_224": (64, {"img_size": 64}), "sequencer2d_s": 64,
    "mixer_s32_224": (64, {"img_size": 64}), "gmlp_ti16_224": (64, {"img_size": 64}),
    "resmlp_12_224": (64, {"img_size": 64}), "gmixer_12_224": (64, {"img_size": 64}), "botnet26t_256": (64, {"img_size": 64}),
    "halonet26t": 256, "lambda_resnet26t": 64, "nextvit_small": 64, "shvit_s1": 64, "ghostnetv3_050": 64,
    "vit_relpos_small_patch16_224": (64, {"img_size": 64, "depth": 3}), "naflexvit_base_patch16_gap": None,
}


def timm_models():
    import timm

    def build(name, size):
        size, options = size if isinstance(size, tuple) else (size, {})
        return timm.create_model(name, pretrained=False, **options), image(size)

    for name, size in TIMM.items():
        if size and timm.is_model(name):
            yield f"timm:{name}", "timm", lambda n=name, s=size: build(n, s)


# transformers ----------------------------------------------------------------------------------------------------------
SMALL = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=100)


PATCHES = {k: v for k, v in SMALL.items() if k != "vocab_size"} | dict(image_size=32, patch_size=8)
CACHING = ("OPTModel", "Qwen3", "Gemma2", "Phi3", "Olmo2", "StableLm", "Cohere", "Bloom", "Falcon", "GPTJ")  # take use_cache


def with_embeddings(model, output="last_hidden_state", **fixed):
    # Without a mask a causal model searches its positions for packed sequences, by operators that TorchScript does not export.
    mask = torch.ones(1, 8, dtype=torch.int64)
    call = lambda m, e: getattr(m(inputs_embeds=e, attention_mask=mask, return_dict=True, **fixed), output)
    return Wrapped(model, call), noise(1, 8, 32)


def transformers_models():
    import transformers as t

    def text(config, model, output="last_hidden_state", **options):
        return lambda: with_embeddings(getattr(t, model)(getattr(t, config)(**options)), output, **fixed_of(model))

    def fixed_of(model):
        return {"use_cache": False} if "CausalLM" in model or "GPT" in model or model in CACHING else {}

    def vision(config, model, output="last_hidden_state", **options):
        def build():
            net = getattr(t, model)(getattr(t, config)(**options))
            return Wrapped(net, lambda m, x: getattr(m(pixel_values=x, return_dict=True), output)), image(32)
        return build

    classify = {**SMALL, "num_labels": 5, "pad_token_id": 0}
    llama = {**SMALL, "num_key_value_heads": 2, "pad_token_id": 0}
    patches = PATCHES
    yield "bert", "text", text("BertConfig", "BertForSequenceClassification", "logits", **classify)
    yield "bert (eager)", "text", text("BertConfig", "BertForSequenceClassification", "logits", attn_implementation="eager", **classify)
    yield "roberta", "text", text("RobertaConfig", "RobertaForSequenceClassification", "logits", **classify)
    yield "electra", "text", text("ElectraConfig", "ElectraModel", embedding_size=32, **SMALL)
    yield "albert", "text", text("AlbertConfig", "AlbertModel", embedding_size=32, **SMALL)
    yield "mpnet", "text", text("MPNetConfig", "MPNetModel", **SMALL)
    yield "deberta_v2", "text", text("DebertaV2Config", "DebertaV2Model", relative_attention=True, pos_att_type=["p2c", "c2p"], **SMALL)
    yield "modernbert", "text", text("ModernBertConfig", "ModernBertModel", pad_token_id=0, **SMALL)
    yield "distilbert", "text", text("DistilBertConfig", "DistilBertModel", dim=32, n_layers=2, n_heads=4, hidden_dim=64, vocab_size=100)
    yield "gpt2", "text", text("GPT2Config", "GPT2Model", n_embd=32, n_layer=2, n_head=4, vocab_size=100)
    yield "gpt_neox", "text", text("GPTNeoXConfig", "GPTNeoXModel", **SMALL)
    yield "opt", "text", text("OPTConfig", "OPTModel", hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, vocab_size=100, word_embed_proj_dim=32)
    yield "llama", "text", text("LlamaConfig", "LlamaForCausalLM", "logits", **llama)
    yield "qwen2", "text", text("Qwen2Config", "Qwen2ForCausalLM", "logits", **llama)
    yield "mistral", "text", text("MistralConfig", "MistralForCausalLM", "logits", **llama)
    yield "gemma", "text", text("GemmaConfig", "GemmaForCausalLM", "logits", head_dim=8, **llama)
    yield "phi", "text", text("PhiConfig", "PhiForCausalLM", "logits", **SMALL)
    # Eager attention: dynamo cannot decompose the views of the other.
    yield "t5 encoder", "text", lambda: with_embeddings(t.T5EncoderModel(t.T5Config(attn_implementation="eager", d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, vocab_size=100)))
    yield "fnet", "text", text("FNetConfig", "FNetModel", hidden_size=32, num_hidden_layers=2, intermediate_size=64, vocab_size=100)
    yield "vit", "vision transformer", vision("ViTConfig", "ViTForImageClassification", "logits", num_labels=5, **patches)
    yield "deit", "vision transformer", vision("DeiTConfig", "DeiTModel", **patches)
    yield "beit", "vision transformer", vision("BeitConfig", "BeitModel", **patches)
    yield "dinov2", "vision transformer", vision("Dinov2Config", "Dinov2Model", **{k: v for k, v in patches.items() if k != "intermediate_size"})
    yield "vit_mae encoder", "vision transformer", lambda: (Wrapped(
        t.ViTMAEModel(t.ViTMAEConfig(mask_ratio=0.5, **patches)),
        lambda m, x: m(x, noise=torch.linspace(0, 1, 16).roll(5)[None]).last_hidden_state), image(32))
    yield "clip vision", "vision transformer", vision("CLIPVisionConfig", "CLIPVisionModel", "pooler_output", **patches)
    yield "siglip vision", "vision transformer", vision("SiglipVisionConfig", "SiglipVisionModel", "pooler_output", **patches)
    yield "segformer", "segmentation", lambda: (Wrapped(t.SegformerForSemanticSegmentation(t.SegformerConfig(
        hidden_sizes=[16, 32], depths=[1, 1], num_encoder_blocks=2, num_attention_heads=[1, 2], sr_ratios=[4, 2], mlp_ratios=[2, 2],
        patch_sizes=[7, 3], strides=[4, 2], decoder_hidden_size=32, num_labels=4)), lambda m, x: m(x).logits), image(64))
    yield "resnet (hf)", "vision", lambda: (Wrapped(t.ResNetForImageClassification(t.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1])), lambda m, x: m(x).logits), image(64))
    yield "convnextv2 (hf)", "vision", lambda: (Wrapped(t.ConvNextV2ForImageClassification(t.ConvNextV2Config(
        hidden_sizes=[16, 32], depths=[1, 1], num_stages=2)), lambda m, x: m(x).logits), image(64))
    yield "whisper encoder", "audio", lambda: (Wrapped(t.models.whisper.modeling_whisper.WhisperEncoder(t.WhisperConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=64, max_source_positions=20, num_mel_bins=16)),
        lambda m, x: m(x).last_hidden_state), noise(1, 16, 40))
    yield "wav2vec2", "audio", lambda: (Wrapped(t.Wav2Vec2Model(t.Wav2Vec2Config(
        conv_dim=(16, 16), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4, **SMALL)), lambda m, x: m(x).last_hidden_state), noise(1, 400))
    yield "hubert", "audio", lambda: (Wrapped(t.HubertModel(t.HubertConfig(
        conv_dim=(16, 16), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4, **SMALL)), lambda m, x: m(x).last_hidden_state), noise(1, 400))
    yield "ast", "audio", lambda: (Wrapped(t.ASTModel(t.ASTConfig(max_length=32, num_mel_bins=32, patch_size=16,
        **{k: v for k, v in SMALL.items() if k != "vocab_size"})), lambda m, x: m(x).last_hidden_state), noise(1, 32, 32))
    yield "patchtst", "time series", lambda: (Wrapped(t.PatchTSTForClassification(t.PatchTSTConfig(num_input_channels=3, context_length=48,
        patch_length=8, patch_stride=8, d_model=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, num_targets=4,
        use_cls_token=True)), lambda m, x: m(past_values=x).prediction_logits), noise(1, 48, 3))
    yield "bert (ids)", "text ids", lambda: (Wrapped(t.BertForSequenceClassification(t.BertConfig(**classify)), lambda m, i: m(input_ids=i).logits), ids(8))
    yield "gpt2 (ids)", "text ids", lambda: (Wrapped(t.GPT2Model(t.GPT2Config(n_embd=32, n_layer=2, n_head=4, vocab_size=100)),
                                             lambda m, i: m(input_ids=i, attention_mask=torch.ones_like(i), use_cache=False).last_hidden_state), ids(8))
    yield "distilbert (ids)", "text ids", lambda: (Wrapped(t.DistilBertModel(t.DistilBertConfig(dim=32, n_layers=2, n_heads=4, hidden_dim=64, vocab_size=100)),
                                                   lambda m, i: m(input_ids=i).last_hidden_state), ids(8))


def more_transformers_models():
    import transformers as t

    def text(name, output="last_hidden_state", head="Model", **options):
        options = SMALL | dict(pad_token_id=0) | options
        fixed = {"use_cache": False} if name in CACHING else {}
        return lambda: with_embeddings(getattr(t, name + head)(getattr(t, name + "Config")(**options)), output, **fixed)

    def vision(name, output="last_hidden_state", size=32, stages=False, **options):
        options = options if stages else PATCHES | options  # nets of stages have a number of heads, a width for each
        return lambda: (Wrapped(getattr(t, name + "Model")(getattr(t, name + "Config")(**options)), lambda m, x: getattr(m(x), output)), image(size))

    def video(name, **options):
        options = PATCHES | dict(num_frames=2, tubelet_size=2) | options
        return lambda: (Wrapped(getattr(t, name + "Model")(getattr(t, name + "Config")(**options)), lambda m, x: m(x).last_hidden_state),
                        noise(1, options["num_frames"], 3, 32, 32))

    grouped = dict(num_key_value_heads=2, head_dim=8)
    yield "qwen3", "text", text("Qwen3", **grouped)
    yield "gemma2", "text", text("Gemma2", query_pre_attn_scalar=8, sliding_window=4, **grouped)
    yield "phi3", "text", text("Phi3", num_key_value_heads=2)
    yield "olmo2", "text", text("Olmo2", num_key_value_heads=2)
    yield "stablelm", "text", text("StableLm", num_key_value_heads=2)
    yield "cohere", "text", text("Cohere", num_key_value_heads=2)
    yield "bloom", "text", text("Bloom", n_layer=2, n_head=4)
    yield "falcon", "text", text("Falcon", multi_query=True)
    yield "gptj", "text", text("GPTJ", n_embd=32, n_layer=2, n_head=4, rotary_dim=4)
    yield "xlnet", "text", text("XLNet", d_model=32, n_layer=2, n_head=4, d_inner=64)
    yield "squeezebert", "text", text("SqueezeBert", embedding_size=32, q_groups=2, k_groups=2, v_groups=2, post_attention_groups=1,
                                      intermediate_groups=2, output_groups=2)
    yield "convbert", "text", text("ConvBert", embedding_size=32, head_ratio=2, conv_kernel_size=3)
    yield "mobilebert", "text", text("MobileBert", embedding_size=32, true_hidden_size=16, intra_bottleneck_size=16, trigram_input=False)
    yield "rembert", "text", text("RemBert", input_embedding_size=32)
    yield "mamba", "text", lambda: (Wrapped(t.MambaModel(t.MambaConfig(hidden_size=32, state_size=4, num_hidden_layers=1, vocab_size=100)),
                                            lambda m, e: m(inputs_embeds=e, use_cache=False).last_hidden_state), noise(1, 8, 32))
    yield "bart, encoder and decoder", "text", lambda: (Wrapped(
        t.BartModel(t.BartConfig(d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4,
                                 encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=100)),
        lambda m, a, b: m(inputs_embeds=a, decoder_inputs_embeds=b, use_cache=False).last_hidden_state), noise(1, 8, 32) + noise(1, 5, 32))
    yield "swin (hf)", "vision transformer", vision("Swin", stages=True, image_size=32, patch_size=4, embed_dim=16, depths=[2, 2], num_heads=[2, 4], window_size=4)
    yield "mobilevit (hf)", "vision transformer", vision("MobileViT", stages=True, num_attention_heads=4, size=64, image_size=64, patch_size=2, hidden_sizes=[16, 24, 32],
                                                        neck_hidden_sizes=[8, 8, 16, 16, 24, 32, 64])
    yield "poolformer (hf)", "vision transformer", vision("PoolFormer", stages=True, size=64, num_encoder_blocks=2, depths=[1, 1], hidden_sizes=[16, 32],
                                                          patch_sizes=[7, 3], strides=[4, 2], padding=[2, 1])
    yield "cvt", "vision transformer", vision("Cvt", stages=True, size=64, embed_dim=[16, 32, 32], num_heads=[1, 2, 2], depth=[1, 2, 3])
    yield "yolos", "detection", vision("Yolos", image_size=[32, 32], num_detection_tokens=5)
    yield "dpt", "segmentation", lambda: (Wrapped(t.DPTForDepthEstimation(t.DPTConfig(
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=16, **PATCHES | dict(num_hidden_layers=4))),
        lambda m, x: m(x).predicted_depth), image(32))
    yield "data2vec vision", "vision transformer", vision("Data2VecVision")
    yield "dinov2 with registers", "vision transformer", vision("Dinov2WithRegisters", num_register_tokens=2)
    yield "ijepa", "vision transformer", vision("IJepa")
    yield "videomae", "video", video("VideoMAE")
    yield "timesformer", "video", video("Timesformer")
    yield "vivit", "video", video("Vivit", tubelet_size=[2, 8, 8])
    yield "clip", "image and text", lambda: (Wrapped(t.CLIPModel(t.CLIPConfig(
        text_config=SMALL | dict(projection_dim=16, max_position_embeddings=8, eos_token_id=99), vision_config=PATCHES, projection_dim=16)),
        lambda m, x, i: m(pixel_values=x, input_ids=i).logits_per_image), image(32) + ids(8))
    yield "sew", "audio", lambda: (Wrapped(t.SEWModel(t.SEWConfig(
        conv_dim=(16, 16), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4, **SMALL)), lambda m, x: m(x).last_hidden_state), noise(1, 400))
    yield "patchtsmixer", "time series", lambda: (Wrapped(t.PatchTSMixerForPrediction(t.PatchTSMixerConfig(
        context_length=48, patch_length=8, patch_stride=8, num_input_channels=3, d_model=16, num_layers=2, prediction_length=8)),
        lambda m, x: m(past_values=x).prediction_outputs), noise(1, 48, 3))


def all_models():
    """name -> (family, build), the families taking turns, so that an unfinished run has seen something of each."""
    streams = [list(series_models()), list(image_models()), list(torchvision_models()), [*transformers_models(), *more_transformers_models()], list(timm_models())]
    models = {}
    for i in range(max(len(s) for s in streams)):
        for stream in streams:
            if i < len(stream):
                name, family, build = stream[i]
                models[name] = (family, build)
    return models
