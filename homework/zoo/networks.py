"""Wrong networks: exercises 1.4 to 1.6 and 5.1 to 5.3."""

from homework.zoo.bug import Bug

STEP, BLOCK, UNET = "ddpm.StepEmbedding", "ddpm.ConditionedBlock", "ddpm.TwoPixelUNet"
RESIDUAL, ATTENTION, IMAGE = "ddpm.ResidualBlock", "ddpm.SelfAttention", "ddpm.ImageUNet"

BUGS = (
    # --- 1.4, the step embedding ------------------------------------------------------------------------------------
    Bug(
        STEP,
        "2 * math.pi * self.w",
        "self.w",
        "The waves are too slow: neighbouring steps look almost alike. Which factor makes w a number of turns?",
    ),
    Bug(
        STEP,
        "(t.unsqueeze(1) / self.T)",
        "t.unsqueeze(1)",
        "The waves are too fast: they depend on t itself. What is x in eq. 10, and between which numbers does it lie?",
    ),
    Bug(
        STEP,
        "(t.unsqueeze(1) / self.T)",
        "((t.unsqueeze(1) - 1) / self.T)",
        "Step t gets the features of step t-1. Where do the steps begin, and what is x at t = T?",
    ),
    Bug(
        STEP,
        "[angle.sin(), angle.cos()]",
        "[angle.sin(), angle.sin()]",
        "Both halves of the features are sines, so x and -x cannot be distinguished by size alone. What is the other "
        "half in eq. 10?",
    ),
    Bug(
        STEP,
        'self.register_buffer("w", torch.randn(dim // 2))',
        'self.register_buffer("w", torch.randn(dim // 2), persistent=False)',
        "The frequencies are not saved with the weights: a loaded network gets other ones. What is in state_dict()?",
        wild="random features kept as a plain attribute",
    ),
    Bug(
        STEP,
        'self.register_buffer("w", torch.randn(dim // 2))',
        "self.w = nn.Parameter(torch.randn(dim // 2))",
        "The frequencies are trained, for they are a parameter. Which kind of tensor is saved, but not trained?",
    ),
    Bug(
        STEP,
        "torch.randn(dim // 2)",
        "torch.rand(dim // 2)",
        "The frequencies are uniform between 0 and 1. Which distribution has eq. 10?",
        wild="rand for randn",
    ),
    Bug(
        STEP,
        "torch.randn(dim // 2)",
        "torch.arange(dim // 2).float()",
        "The frequencies are 0, 1, 2, …. They should be drawn; from which distribution?",
    ),
    Bug(
        STEP,
        "torch.randn(dim // 2)",
        "torch.randn(dim // 2, generator=torch.Generator().manual_seed(0))",
        "Two embeddings have the same frequencies, whatever the seed of the run. Where do random numbers come from?",
    ),
    Bug(
        STEP,
        "nn.functional.silu(self.dense(torch.cat([angle.sin(), angle.cos()], dim=1)))",
        "torch.cat([angle.sin(), angle.cos()], dim=1)",
        "The dense layer after the features is not used. Which layer lets the network choose its own features?",
    ),
    # --- 1.5, the block ---------------------------------------------------------------------------------------------
    Bug(
        BLOCK,
        "self.step_dense(steps)[t] + self.class_dense(labels)[y]",
        "self.step_dense(steps)[t]",
        "The label has no effect. What happens to the class embedding?",
        wild="a class embedding that is computed and then forgotten",
    ),
    Bug(
        BLOCK,
        "self.step_dense(steps)[t] + self.class_dense(labels)[y]",
        "self.class_dense(labels)[y]",
        "The step has no effect. What happens to the step embedding?",
    ),
    Bug(
        BLOCK,
        "self.step_dense(steps)[t]",
        "self.step_dense(steps)[t - 1]",
        "Each image gets the embedding of the step before. Which row of the table belongs to t?",
    ),
    Bug(
        BLOCK,
        "nn.functional.silu(self.norm(h + condition.unsqueeze(2)))",
        "nn.functional.silu(self.norm(h) + condition.unsqueeze(2))",
        "The embeddings are added after the norm. In which order does section 2.2 list the layers?",
    ),
    Bug(
        BLOCK,
        "nn.functional.silu(self.norm(h + condition.unsqueeze(2)))",
        "self.norm(nn.functional.silu(h + condition.unsqueeze(2)))",
        "The activation comes before the norm. In which order should they come?",
    ),
    Bug(
        BLOCK,
        "nn.functional.silu(self.norm(h + condition.unsqueeze(2)))",
        "nn.functional.relu(self.norm(h + condition.unsqueeze(2)))",
        "Negative values are cut off: the activation is a ReLU. Which one does section 2.2 name?",
    ),
    Bug(
        BLOCK,
        "nn.functional.silu(self.norm(h + condition.unsqueeze(2)))",
        "self.norm(h + condition.unsqueeze(2))",
        "There is no activation, so that blocks in a row are not more than one. What follows the norm?",
    ),
    Bug(
        BLOCK,
        "nn.functional.silu(self.norm(h + condition.unsqueeze(2)))",
        "nn.functional.silu(h + condition.unsqueeze(2))",
        "There is no norm: an image ten times as bright gives an answer as much larger. Which layer is missing?",
    ),
    Bug(
        BLOCK,
        "nn.GroupNorm(groups, conv.out_channels)",
        "nn.GroupNorm(1, conv.out_channels)",
        "All channels are normalised together. How many groups was the block asked for?",
    ),
    Bug(
        BLOCK,
        "condition.unsqueeze(2)",
        "condition.mean(1, keepdim=True).unsqueeze(2)",
        "The same number is added to every channel, which a norm of all channels would take away. How many numbers "
        "does a dense layer give?",
    ),
    Bug(
        BLOCK,
        "self.step_dense(steps)[t] + self.class_dense(labels)[y]",
        "(self.step_dense(steps)[t] + self.class_dense(labels)[y]).mean(0, keepdim=True)",
        "All images of a batch get the mean of their embeddings. Which step and label belong to which image?",
    ),
    # --- 1.6, the UNet ----------------------------------------------------------------------------------------------
    Bug(
        UNET,
        "torch.cat([h, h1], dim=1)",
        "torch.cat([h, h], dim=1)",
        "There is no skip connection: the image only reaches the last block by the deep path. What is h1 for?",
        wild="a UNet that is an hourglass",
    ),
    Bug(
        UNET,
        "torch.cat([h, h1], dim=1)",
        "torch.cat([h1, h1], dim=1)",
        "The deep path has no effect. What should meet in the last block?",
    ),
    Bug(
        UNET,
        "self.encoder2(h1, steps, t, labels, y)",
        "self.encoder2(h1, steps, t, labels, torch.full_like(y, self.num_classes))",
        "The second block is never told the label. Which blocks get both embeddings?",
    ),
    Bug(
        UNET,
        "self.decoder1(h2, steps, t, labels, y)",
        "self.decoder1(h2, steps, torch.ones_like(t), labels, y)",
        "The third block is never told the step. Which blocks get both embeddings?",
    ),
    Bug(
        UNET,
        "y = torch.full_like(t, self.num_classes) if y is None else y",
        "y = torch.zeros_like(t) if y is None else y",
        "Without a label the network answers as for class 0. Which label means none?",
    ),
    Bug(
        UNET,
        "        y = torch.full_like(t, self.num_classes) if y is None else y\n",
        "",
        "It fails when it is asked without a label, y = None. Which label means none?",
    ),
    Bug(
        UNET,
        "nn.Conv1d(c1, c2, kernel_size=1), 32, dim",
        "nn.Conv1d(c1, c2, kernel_size=1), 4, dim",
        "The second block has 4 groups. How many does section 2.2 give it?",
    ),
    Bug(
        UNET,
        "return self.decoder2(torch.cat([h, h1], dim=1))",
        "return nn.functional.silu(self.decoder2(torch.cat([h, h1], dim=1)))",
        "No prediction is below -0.28: there is an activation after the last layer. What is the range of noise?",
    ),
    Bug(
        UNET,
        "return self.decoder2(torch.cat([h, h1], dim=1))",
        "return self.decoder2(torch.cat([h, h1], dim=1)).tanh()",
        "No prediction is beyond 1: there is an activation after the last layer. What is the range of noise?",
        wild="the last layer of many generators of images",
    ),
    Bug(
        UNET,
        "return self.decoder2(torch.cat([h, h1], dim=1))",
        "return x_t - self.decoder2(torch.cat([h, h1], dim=1))",
        "The network's answer is taken from its input: it would predict a denoised image. What should it return?",
    ),
    Bug(
        UNET,
        "return self.decoder2(torch.cat([h, h1], dim=1))",
        "return self.decoder2(torch.cat([h, h1], dim=1)).flip(-1)",
        "The two pixels of the answer are exchanged. Which is the left one?",
    ),
    Bug(
        UNET,
        "self.step_embedding(torch.arange(self.T + 1, device=t.device))",
        "self.step_embedding(torch.arange(self.T + 1, device=t.device) + 1)",
        "Every image gets the embedding of the step after its own. Which steps are in the table?",
    ),
    Bug(
        UNET,
        "self.step_embedding = StepEmbedding(T, dim)",
        "self.step_embedding = StepEmbedding(50, dim)",
        "The step embedding takes T for 50, whatever it is. Who knows how many steps there are?",
    ),
    # --- 5.1, the residual block ------------------------------------------------------------------------------------
    Bug(
        RESIDUAL,
        "self.shortcut(x) + self.conv2(nn.functional.silu(h))",
        "self.conv2(nn.functional.silu(h))",
        "The block does not add its input: it is not residual. What does the formula begin with?",
    ),
    Bug(
        RESIDUAL,
        "self.norm2(h) * (1 + scale) + shift",
        "self.norm2(h) * scale + shift",
        "A scale of 0 would silence the block. What is the factor when the embeddings say nothing?",
    ),
    Bug(
        RESIDUAL,
        "self.norm2(h) * (1 + scale) + shift",
        "self.norm2(h * (1 + scale) + shift)",
        "Scale and shift come before the norm, which takes part of them away again. Where does the formula have them?",
    ),
    Bug(
        RESIDUAL,
        "self.step_dense(step) + self.class_dense(label)",
        "self.step_dense(step)",
        "The label has no effect. What happens to the class embedding?",
    ),
    Bug(
        RESIDUAL,
        "self.step_dense(step) + self.class_dense(label)",
        "self.class_dense(label)",
        "The step has no effect. What happens to the step embedding?",
    ),
    Bug(
        RESIDUAL,
        "self.conv1(nn.functional.silu(self.norm1(x)))",
        "self.conv1(nn.functional.silu(x))",
        "The input is not normalised before the first convolution. Which layer is missing?",
    ),
    Bug(
        RESIDUAL,
        "self.conv1(nn.functional.silu(self.norm1(x)))",
        "self.conv1(self.norm1(x))",
        "There is no activation before the first convolution. Which one is missing?",
    ),
    Bug(
        RESIDUAL,
        "self.norm2(h) * (1 + scale) + shift",
        "self.norm2(h) * (1 + scale)",
        "The shift has no effect. What is the second half of the dense layers' output?",
    ),
    Bug(
        RESIDUAL,
        "scale, shift = condition",
        "shift, scale = condition",
        "Scale and shift are exchanged. Which of them does the docstring name first?",
    ),
    # --- 5.2, attention ---------------------------------------------------------------------------------------------
    Bug(
        ATTENTION,
        "scaled_dot_product_attention(q, k, v)",
        "scaled_dot_product_attention(q, k, v, scale=1.0)",
        "The products of queries and keys are not divided by √d, so the softmax is too sharp. How large is a sum of d "
        "products?",
    ),
    Bug(
        ATTENTION,
        "return x + self.out",
        "return self.out",
        "The layer does not add its input. What does the docstring begin with?",
    ),
    Bug(
        ATTENTION,
        "self.qkv(self.norm(x))",
        "self.qkv(x)",
        "The input is not normalised first. Which layer is missing?",
    ),
    Bug(
        ATTENTION,
        "attended.transpose(-1, -2).reshape(b, c, h, w)",
        "attended.reshape(b, c, h, w)",
        "Pixels and channels are mixed up on the way back to an image. Which axis comes last after attention?",
        wild="a reshape where a transpose is needed: the shape is right, the content is not",
    ),
    Bug(
        ATTENTION,
        "qkv.transpose(-1, -2).unbind(1)",
        "qkv.unbind(1)",
        "The channels attend to one another, not the pixels. Which axis is the sequence?",
    ),
    Bug(
        ATTENTION,
        "scaled_dot_product_attention(q, k, v)",
        "scaled_dot_product_attention(k, q, v)",
        "Queries and keys are exchanged. Whose products are normalised by the softmax?",
    ),
    Bug(
        ATTENTION,
        "view(b, 3, self.heads, c // self.heads, h * w)",
        "view(b, 3, 1, c, h * w)",
        "There is one head, whatever is asked for. What is the argument `heads` for?",
    ),
    Bug(
        ATTENTION,
        "return x + self.out(attended.transpose(-1, -2).reshape(b, c, h, w))",
        "return x + attended.transpose(-1, -2).reshape(b, c, h, w)",
        "The last layer, `out`, is not used. What mixes the heads?",
    ),
    # --- 5.3, the UNet for images -----------------------------------------------------------------------------------
    Bug(
        IMAGE,
        "for i in reversed(range(len(skips))):",
        "for i in range(len(skips)):",
        "The decoder goes through its blocks from the widest to the narrowest. Where does it start, after the middle?",
    ),
    Bug(
        IMAGE,
        "torch.cat([h, skips[i]], dim=1)",
        "torch.cat([h, h], dim=1)",
        "There are no skip connections. What is `skips` for?",
        wild="a UNet that is an hourglass",
    ),
    Bug(
        IMAGE,
        "        y = torch.full_like(t, self.num_classes) if y is None else y\n",
        "",
        "It fails when it is asked without a label, y = None. Which label means none?",
    ),
    Bug(
        IMAGE,
        "y = torch.full_like(t, self.num_classes) if y is None else y",
        "y = torch.zeros_like(t) if y is None else y",
        "Without a label the network answers as for class 0. Which label means none?",
    ),
    Bug(
        IMAGE,
        "            h = self.decoder_attention[i](h)\n",
        "",
        "The decoder's attention is not used. What follows each of its blocks?",
    ),
    Bug(
        IMAGE,
        "h = attend(block(h, step, label))",
        "h = block(h, step, label)",
        "The encoder's attention is not used. What follows each of its blocks?",
    ),
    Bug(
        IMAGE,
        "if i < len(self.down) else self.middle(h, step, label)",
        "if i < len(self.down) else h",
        "The block in the middle is not used. What comes between encoder and decoder?",
    ),
    Bug(
        IMAGE,
        "nn.functional.silu(self.norm(h))",
        "nn.functional.silu(h)",
        "The last norm is not used. What comes before the head?",
    ),
    Bug(
        IMAGE,
        "return self.head(nn.functional.silu(self.norm(h)))",
        "return self.head(nn.functional.silu(self.norm(h))).tanh()",
        "No prediction is beyond 1: there is an activation after the head. What is the range of noise?",
    ),
)
